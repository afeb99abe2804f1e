'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type MouseEvent, memo } from 'react';
import { operationOptions } from '@/components/operations/options';
import { OutcomeBadge, OutcomeBar, OutcomeCounts, operationTitle } from '@/components/operations/outcome';
import { formatTook } from '@/components/ui/duration';
import { LocalTime, ZoneName } from '@/components/ui/local-time';
import type { LogEntry } from '@/lib/operations/record/record';
import { type Counts, isRetried, noCounts, type Operation, OUTCOMES } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { OperationName } from './operation-name';
import { usePhase, useServerNow } from './operation-status';
import { Cell, RecordTable, ROW } from './record-table';

const GRID =
  'grid min-w-[1080px] grid-cols-[128px_80px_minmax(264px,6fr)_minmax(264px,6fr)_minmax(110px,4fr)_minmax(110px,4fr)_56px] items-center gap-4 px-5';

type Props = {
  entries: readonly LogEntry[];
  nowMs: number;
  /** Whether something else has been asked for that is not here yet. */
  isStale: boolean;
};

/** Operations, one line each; the whole line leads to what became of each sandbox. */
export function LogTable({ entries, nowMs, isStale }: Props) {
  return (
    <RecordTable
      name="Operations"
      grid={GRID}
      isStale={isStale}
      columns={[
        <>
          When <ZoneName ms={nowMs} />
        </>,
        'Who',
        'What',
        'Outcome',
        'Why',
        'Filter',
        <span key="took" className="block text-right">
          Took
        </span>,
      ]}
    >
      {entries.map((entry) => (
        <LogRow key={entry.operation.id} entry={entry} nowMs={nowMs} />
      ))}
    </RecordTable>
  );
}

const LogRow = memo(function LogRow({ entry, nowMs }: { entry: LogEntry; nowMs: number }) {
  const router = useRouter();
  const { operation, sandboxId } = entry;
  const { act, actor, params, reason, filter, retryOf } = operation;
  const options = operationOptions(act, params);
  const address = paths.operation(operation.id);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: for keys there is the link in it.
    <div
      role="row"
      onClick={(event) => {
        if (isMeantForRow(event)) router.push(address);
      }}
      className={clsx(GRID, ROW, 'cursor-pointer [--row:var(--bg)] hover:[--row:var(--hover)]')}
    >
      <Cell className="text-ink-2">
        <LocalTime ms={operation.createdAtMs} isShort />
      </Cell>
      <Cell>
        <bdi title={actor}>{actor}</bdi>
      </Cell>
      <Cell title={options === null ? undefined : `${operationTitle(act, operation.counts)} ${options}`}>
        <Link href={address} prefetch={false} className="font-medium hover:underline">
          <OperationName operation={operation} sandboxId={sandboxId} />
        </Link>
        {options === null ? null : <span className="text-ink-2"> {options}</span>}
        {retryOf === null ? null : <span className="text-ink-3"> · retry</span>}
      </Cell>
      <Cell>
        <Outcome operation={operation} isSingle={sandboxId !== null} nowMs={nowMs} />
      </Cell>
      <Cell>
        <bdi title={reason}>{reason}</bdi>
      </Cell>
      <Cell className="font-mono text-small">
        {filter === '' ? null : (
          <Link
            href={{ pathname: paths.sandboxes(), query: { q: filter } }}
            prefetch={false}
            title={`Show what passes ${filter} now`}
            className="text-ink-2 hover:text-ink hover:underline"
          >
            <bdi>{filter}</bdi>
          </Link>
        )}
      </Cell>
      <Cell className="text-right text-ink-2">
        <Took operation={operation} nowMs={nowMs} />
      </Cell>
    </div>
  );
});

/** A plain click beside the links, and not the end of marking text. */
function isMeantForRow({ target, metaKey, ctrlKey, shiftKey, altKey }: MouseEvent): boolean {
  if (metaKey || ctrlKey || shiftKey || altKey || window.getSelection()?.isCollapsed === false) return false;
  return !(target instanceof Element && target.closest('a'));
}

type OutcomeProps = { operation: Operation; isSingle: boolean; nowMs: number };

function Outcome({ operation, isSingle, nowMs }: OutcomeProps) {
  const { act, counts, cancelledBy } = operation;
  const { phase, startsInS } = usePhase(operation, nowMs);
  if (phase === 'window') return <span>Begins in {startsInS} s</span>;
  const [single] = OUTCOMES.filter((outcome) => counts[outcome] > 0);
  if (isSingle && single) return <OutcomeBadge act={act} outcome={single} />;
  const [troubled, rest] = splitTrouble(counts);
  return (
    <div className="fade-end flex items-center gap-3 overflow-hidden">
      <OutcomeBar act={act} counts={counts} className="w-20 shrink-0" />
      {/* What went wrong comes first, where nothing cuts it off. */}
      <OutcomeCounts act={act} counts={troubled} className="flex-nowrap! shrink-0 gap-x-3! empty:hidden" />
      <OutcomeCounts act={act} counts={rest} className="flex-nowrap! shrink-0 gap-x-3! empty:hidden" />
      {cancelledBy === null ? null : (
        <span className="whitespace-nowrap text-ink-3">
          by <bdi>{cancelledBy}</bdi>
        </span>
      )}
    </div>
  );
}

function splitTrouble(counts: Counts): [troubled: Counts, rest: Counts] {
  const troubled = noCounts();
  const rest = noCounts();
  for (const outcome of OUTCOMES) (isRetried(outcome) ? troubled : rest)[outcome] = counts[outcome];
  return [troubled, rest];
}

function Took({ operation, nowMs }: { operation: Operation; nowMs: number }) {
  const { startsAtMs, finishedAtMs } = operation;
  const text = useServerNow((serverNowMs) => {
    const tookMs = (finishedAtMs ?? serverNowMs) - startsAtMs;
    if (finishedAtMs !== null) return tookMs > 0 ? formatTook(tookMs) : '–';
    // Of what is under way, whole seconds are enough.
    return tookMs > 0 ? formatTook(Math.max(1_000, Math.floor(tookMs / 1_000) * 1_000)) : '';
  }, nowMs);
  return <>{text}</>;
}
