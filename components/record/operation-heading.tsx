import Link from 'next/link';
import { Fragment, type ReactNode } from 'react';
import { operationOptions } from '@/components/operations/options';
import { countsText, operationTitle } from '@/components/operations/outcome';
import { LocalTime } from '@/components/ui/local-time';
import type { Operation } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { OperationName } from './operation-name';

type HeadingProps = {
  operation: Operation;
  /** Where it is about one sandbox only. */
  sandboxId: string | null;
};

/** What was done; then who did it, when, why, and what was on screen. */
export function OperationHeading({ operation, sandboxId }: HeadingProps) {
  const { act, params, actor, createdAtMs, reason, filter } = operation;
  // A command has a place of its own.
  const options = act === 'run' ? null : operationOptions(act, params);
  return (
    <div className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-4 gap-y-1">
      <nav aria-label="Breadcrumb" className="text-ink-3">
        <Link href={paths.operations()} className="hover:text-ink">
          Operations
        </Link>{' '}
        /
      </nav>
      <h1 className="min-w-0 font-semibold text-title [overflow-wrap:anywhere]">
        <OperationName operation={operation} sandboxId={sandboxId} />
        {options === null ? null : <span className="font-normal text-ink-2"> {options}</span>}
      </h1>
      <p className="min-w-0 text-ink-2">
        <Dotted>
          <bdi key="who">{actor}</bdi>
          <LocalTime key="when" ms={createdAtMs} />
          {reason === '' ? null : (
            <span key="why" className="whitespace-pre-line break-words text-ink">
              “<bdi>{reason}</bdi>”
            </span>
          )}
          {filter === '' ? null : (
            <Link
              key="filter"
              href={{ pathname: paths.sandboxes(), query: { q: filter } }}
              prefetch={false}
              title="Show what passes this filter now"
              className="break-words font-mono text-small hover:text-ink hover:underline"
            >
              <bdi>{filter}</bdi>
            </Link>
          )}
        </Dotted>
      </p>
    </div>
  );
}

/** Things one after the other with a dot between them; what is `null` is left out. */
function Dotted({ children }: { children: ReactNode[] }) {
  return children
    .filter((child) => child !== null)
    .map((child, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: they never change places.
      <Fragment key={index}>
        {index === 0 ? null : <span className="text-ink-3"> · </span>}
        {child}
      </Fragment>
    ));
}

/** The operation whose failures this one took up again, and those that took up its own. */
export function Relations({ retryOf, retries }: { retryOf: string | null; retries: readonly Operation[] }) {
  if (retryOf === null && retries.length === 0) return null;
  return (
    <p className="flex flex-wrap gap-x-4 text-ink-2">
      {retryOf === null ? null : (
        <span>
          Takes up again what failed in{' '}
          <Link href={paths.operation(retryOf)} className="text-accent underline">
            an earlier operation
          </Link>
        </span>
      )}
      {retries.map(({ id, act, counts, createdAtMs }) => (
        <span key={id}>
          Retried at <LocalTime ms={createdAtMs} isShort />:{' '}
          <Link href={paths.operation(id)} className="text-accent underline">
            {operationTitle(act, counts)}
          </Link>{' '}
          <span className="text-ink-3">({countsText(act, counts)})</span>
        </span>
      ))}
    </p>
  );
}
