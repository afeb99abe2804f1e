'use client';

import { clsx } from 'clsx';
import { Fragment, type ReactNode } from 'react';
import { SandboxName, useSplitText } from '@/components/sandbox/connection-name';
import { MetadataText } from '@/components/sandbox/metadata-chips';
import { STATES } from '@/components/sandbox/state-badge';
import { useNow } from '@/components/ui/clock';
import { Dotted } from '@/components/ui/dotted';
import { formatDuration } from '@/components/ui/duration';
import { Visible } from '@/components/ui/visible-text';
import { type BlastRadius, groupSkipped, type Split } from '@/lib/operations/plan/blast-radius';
import type { Skipped } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';
import { visibleText } from '@/lib/visible-text';

type Props = {
  radius: BlastRadius;
  act: SandboxAct;
  /** Follows the count, such as `will be killed`. */
  verdict: string;
  /** `null`: not known yet. */
  skipped: readonly Skipped[] | null;
};

/** A summary of the sandboxes that an action will change, and of those it skips. */
export function PlanRadius({ radius, act, verdict, skipped }: Props) {
  return (
    <div className="grid shrink-0 grid-cols-1 gap-px overflow-hidden rounded-md border border-line bg-line sm:grid-cols-2 [&>*]:bg-raise [&>*]:px-4 [&>*]:py-3">
      <section className={clsx(skipped?.length === 0 && 'sm:col-span-2')}>
        <p>
          <span className="font-semibold text-title">{radius.count}</span> {verdict}
        </p>
        <Connections radius={radius} />
        <StateBar states={radius.states} />
        <p className="text-ink-2">
          <Dotted>
            {radius.states.map(({ state, count }) => (
              <span key={state}>
                {count} {STATES[state].name.toLowerCase()}
              </span>
            ))}
            {radius.ages ? <Ages {...radius.ages} /> : null}
          </Dotted>
        </p>
        <Shared radius={radius} />
      </section>
      {skipped?.length === 0 ? null : <SkippedCell act={act} skipped={skipped} />}
      <SplitCells radius={radius} />
    </div>
  );
}

/** `12 in prod, 3 in staging`, where more than one connection is in use. */
function Connections({ radius: { connections } }: { radius: BlastRadius }) {
  const split = useSplitText(connections);
  if (split === null) return null;
  return (
    <p>
      {connections.length === 1 ? 'All ' : null}
      <span translate="no" className="font-medium [overflow-wrap:anywhere]">
        {split}
      </span>
    </p>
  );
}

function StateBar({ states }: { states: BlastRadius['states'] }) {
  return (
    <div aria-hidden className="my-2 flex h-2 gap-0.5 overflow-hidden rounded-full">
      {states.map(({ state, count }) => (
        <span
          key={state}
          className={clsx('min-w-1 basis-0 rounded-[2px]', STATES[state].dot)}
          style={{ flexGrow: count }}
        />
      ))}
    </div>
  );
}

function Ages({ oldestMs, newestMs }: { oldestMs: number; newestMs: number }) {
  return useNow((nowMs) => {
    const [min, max] = [formatDuration(nowMs - newestMs), formatDuration(nowMs - oldestMs)];
    return min === max ? `${min} old` : `${min} to ${max} old`;
  }, newestMs);
}

const MAX_SHARED = 3;
/** Metadata is untrusted and may be very long. */
const MAX_SHARED_CHARS = 60;

/** The template and metadata that all of them share. */
function Shared({ radius: { count, templates, shared } }: { radius: BlastRadius }) {
  const [template, another] = templates.values;
  if (count === 0 || (shared.length === 0 && another !== undefined)) return null;
  return (
    <p className="line-clamp-3 text-ink-2 [overflow-wrap:anywhere]">
      {count === 1 ? 'It is ' : 'All are '}
      {template && another === undefined ? (
        <>
          <Visible text={template.value} title className="text-ink" />{' '}
        </>
      ) : null}
      {shared.slice(0, MAX_SHARED).map(({ key, value }) => (
        <Fragment key={key}>
          <span
            translate="no"
            title={visibleText(`${key}=${value}`)}
            className="font-mono text-ink text-small"
          >
            <MetadataText entry={[key, value]} maxChars={MAX_SHARED_CHARS} />
          </span>{' '}
        </Fragment>
      ))}
    </p>
  );
}

function SkippedCell({ act, skipped }: { act: SandboxAct; skipped: readonly Skipped[] | null }) {
  if (skipped === null) return <section className="text-ink-3">Checking each sandbox…</section>;
  return (
    <section>
      <p className="mb-1">
        <span className="font-semibold text-title">{skipped.length}</span> will be skipped
      </p>
      {groupSkipped(act, skipped).map(({ kind, reason, skipped: ones }) => (
        <details key={`${kind} ${reason}`} className="text-ink-2 [&[open]>summary]:text-ink">
          <summary className="w-max max-w-full truncate rounded-sm marker:text-ink-3 hover:text-ink">
            {ones.length} <Visible text={reason} />
          </summary>
          <ul translate="no" className="mb-1 max-h-28 overflow-y-auto pl-4 font-mono text-small">
            {ones.map(({ sandboxKey }) => (
              <li key={sandboxKey}>
                <SandboxName sandboxKey={sandboxKey} />
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}

function SplitCells({ radius: { templates, keys } }: { radius: BlastRadius }) {
  const cells = [
    ...(templates.values.length > 1 ? [{ key: 'template', title: 'By template', split: templates }] : []),
    ...keys.map(({ key, ...split }) => ({
      key: `metadata ${key}`,
      title: (
        <>
          By <Visible text={key} className="font-mono text-small" />
        </>
      ),
      split,
    })),
  ];
  return cells.map(({ key, title, split }, at) => (
    <SplitCell key={key} title={title} split={split} isWide={at === cells.length - 1 && at % 2 === 0} />
  ));
}

function SplitCell({ title, split, isWide }: { title: ReactNode; split: Split; isWide: boolean }) {
  const { values, more, without } = split;
  return (
    <section className={clsx('min-w-0', isWide && 'sm:col-span-2')}>
      <h3 className="truncate text-ink-2">{title}</h3>
      <p className="flex flex-wrap gap-x-3">
        {values.map(({ value, count }) => (
          <span key={value} className="flex max-w-full gap-1">
            <Visible text={value === '' ? '""' : value} title={value} className="truncate" />{' '}
            <span className="text-ink-2">{count}</span>{' '}
          </span>
        ))}
        {more.values > 0 ? (
          <span className="text-ink-2">
            {more.values} others {more.count}
          </span>
        ) : null}
        {without > 0 ? <span className="text-ink-2">without {without}</span> : null}
      </p>
    </section>
  );
}
