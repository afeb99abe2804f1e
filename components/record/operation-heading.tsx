'use client';

import Link from 'next/link';
import { useMemo } from 'react';
import { operationOptions } from '@/components/operations/options';
import { countsText, operationTitle, sandboxCount } from '@/components/operations/outcome';
import { SandboxName, useConnectionSplit } from '@/components/sandbox/connection-name';
import { Dotted } from '@/components/ui/dotted';
import { LocalTime } from '@/components/ui/local-time';
import { Visible } from '@/components/ui/visible-text';
import type { Operation } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';

type HeadingProps = {
  operation: Operation;
  /** Set if the operation has a single sandbox. */
  sandboxKey: SandboxKey | null;
};

/** `Kill 145 sandboxes`, or `Kill i66nm4…` for a single sandbox. */
export function OperationName({ operation: { act, counts }, sandboxKey }: HeadingProps) {
  const title = operationTitle(act, counts);
  if (sandboxKey === null) return title;
  return (
    <>
      {title.slice(0, -sandboxCount(1).length)}
      <SandboxName sandboxKey={sandboxKey} className="text-[0.92em]" />
    </>
  );
}

type PageHeadingProps = HeadingProps & { items: readonly { sandboxKey: SandboxKey }[] };

export function OperationHeading({ operation, sandboxKey, items }: PageHeadingProps) {
  const keys = useMemo(() => items.map((item) => ({ key: item.sandboxKey })), [items]);
  const split = useConnectionSplit(keys);
  const { act, params, actor, createdAtMs, reason, filter } = operation;
  // The page shows a command separately.
  const options = act === 'run' ? null : operationOptions(act, params);
  return (
    <div className="flex min-w-0 flex-1 basis-80 flex-wrap items-baseline gap-x-4 gap-y-1">
      <nav aria-label="Breadcrumb" className="text-ink-3 max-sm:basis-full sm:-mr-2">
        <Link href={paths.operations()} className="hover:text-ink">
          Operations
        </Link>
        <span aria-hidden className="max-sm:hidden">
          {' '}
          /
        </span>
      </nav>
      <h1 className="min-w-0 font-semibold text-title [overflow-wrap:anywhere]">
        <OperationName operation={operation} sandboxKey={sandboxKey} />
        {split === null || sandboxKey !== null ? null : (
          <span translate="no" className="font-normal">
            {' '}
            {split}
          </span>
        )}
        {options === null ? null : <span className="font-normal text-ink-2"> {options}</span>}
      </h1>
      <p className="min-w-0 text-ink-2">
        <Dotted>
          <Visible text={actor} />
          <LocalTime ms={createdAtMs} />
          {reason === '' ? null : (
            <span className="whitespace-pre-line break-words text-ink">
              “<Visible text={reason} shape="block" />”
            </span>
          )}
          {filter === '' ? null : (
            <Link
              translate="no"
              href={{ pathname: paths.sandboxes(), query: { q: filter } }}
              prefetch={false}
              title={`Show sandboxes that match this filter now:\n${visibleText(filter)}`}
              className="inline-block max-w-[min(100ch,100%)] truncate align-bottom font-mono text-small leading-[inherit] hover:text-ink hover:underline"
            >
              <Visible text={filter} />
            </Link>
          )}
        </Dotted>
      </p>
    </div>
  );
}

/** Links to the operation that this one retries, and to its own retries. */
export function Relations({ retryOf, retries }: { retryOf: string | null; retries: readonly Operation[] }) {
  if (retryOf === null && retries.length === 0) return null;
  return (
    <p className="flex flex-wrap gap-x-4 text-ink-2">
      {retryOf === null ? null : (
        <span>
          Retry of{' '}
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
