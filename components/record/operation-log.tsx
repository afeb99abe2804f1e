'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { useMemo } from 'react';
import { useServerNow } from '@/components/data/use-operations';
import { operationOptions } from '@/components/operations/options';
import { OutcomeBadge, OutcomeBar, OutcomeCounts, operationTitle } from '@/components/operations/outcome';
import { useSplitText } from '@/components/sandbox/connection-name';
import { formatTook } from '@/components/ui/duration';
import { type Column, LogTable, timeColumn } from '@/components/ui/log-table';
import { Notice } from '@/components/ui/notice';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Select } from '@/components/ui/select';
import { Visible } from '@/components/ui/visible-text';
import { describeErrorEnds, type ErrorEnd } from '@/lib/commands/words';
import {
  canMatch,
  isNarrowed,
  LOG_STATES,
  type LogSearch,
  type LogState,
  printLogSearch,
  WHOLE_LOG,
} from '@/lib/operations/record/log-filter';
import type { LogEntry, LogPage } from '@/lib/operations/record/record';
import {
  type Counts,
  isTroubled,
  noCounts,
  type Operation,
  OUTCOMES,
  totalsOf,
} from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { SANDBOX_ACTS, type SandboxAct } from '@/lib/sandbox/can';
import { visibleText } from '@/lib/visible-text';
import { type FilterProps, LogFrame, type LogKind } from './log-frame';
import { OperationName } from './operation-heading';
import { usePhase } from './operation-status';
import { useLiveLog } from './use-live-log';

const KIND: LogKind<LogSearch> = {
  tab: 'operations',
  noun: 'operations',
  unfiltered: WHOLE_LOG,
  print: printLogSearch,
  isFiltered: isNarrowed,
  canMatch,
};

/** How commands ended, other than with exit code 0, by operation. */
type ErrorEnds = Readonly<Record<string, readonly ErrorEnd[]>>;

type Props = { search: LogSearch; page: LogPage; errorEnds: ErrorEnds; actors: string[]; nowMs: number };

/** The log of all operations, newest first. */
export function OperationLog({ search, page, errorEnds, actors, nowMs }: Props) {
  const { entries, arrived } = useLiveLog(page, search, nowMs);
  const columns = useMemo(() => columnsAt(nowMs, errorEnds), [nowMs, errorEnds]);
  return (
    <LogFrame
      kind={KIND}
      search={search}
      actors={actors}
      isEmpty={entries.length === 0}
      older={page.older}
      arrived={arrived}
      renderFilter={(props) => <ActionSelect {...props} />}
      renderSecondFilter={(props) => <StateSelect {...props} />}
      renderTable={(isStale) => (
        <PanelBoundary what="list of operations">
          <LogTable
            name="Operations"
            columns={columns}
            entries={entries}
            idOf={({ operation }) => operation.id}
            hrefOf={({ operation }) => paths.operation(operation.id)}
            isStale={isStale}
          />
        </PanelBoundary>
      )}
      empty={<Empty />}
    />
  );
}

/** A line of its own on a phone. */
const LINE_ON_PHONE = 'max-md:basis-full';

function columnsAt(nowMs: number, errorEnds: ErrorEnds): readonly Column<LogEntry>[] {
  return [
    timeColumn(nowMs, ({ operation }) => operation.createdAtMs),
    {
      id: 'person',
      title: 'Who',
      width: '80px',
      className: 'max-md:-order-1',
      cell: ({ operation: { actor } }) => <Visible text={actor} title />,
    },
    {
      id: 'action',
      title: 'Action',
      width: 'minmax(264px,29fr)',
      className: LINE_ON_PHONE,
      cell: ({ operation, sandboxKey, split }) => (
        <Action operation={operation} sandboxKey={sandboxKey} split={split} />
      ),
      tooltip: ({ operation: { act, params, counts } }) => {
        const options = operationOptions(act, params);
        return options === null ? null : `${operationTitle(act, counts)} ${options}`;
      },
    },
    {
      id: 'outcome',
      title: 'Outcome',
      width: 'minmax(280px,31fr)',
      className: clsx(LINE_ON_PHONE, 'whitespace-normal!'),
      cell: ({ operation, sandboxKey }) => (
        <Outcome
          operation={operation}
          isSingle={sandboxKey !== null}
          errorEnds={errorEnds[operation.id] ?? NO_ENDS}
          nowMs={nowMs}
        />
      ),
    },
    {
      id: 'reason',
      title: 'Reason',
      width: 'minmax(96px,14fr)',
      cell: ({ operation: { reason } }) => (reason === '' ? null : <Visible text={reason} title />),
    },
    {
      id: 'filter',
      title: 'Filter',
      width: 'minmax(96px,14fr)',
      className: 'font-mono text-small',
      cell: ({ operation: { filter } }) => (filter === '' ? null : <FilterLink filter={filter} />),
    },
    {
      id: 'duration',
      title: <span className="block text-right">Duration</span>,
      width: '56px',
      // At the end of the first line on a phone.
      className: 'text-right text-ink-2 max-md:-order-1 max-md:ml-auto',
      cell: ({ operation }) => <Duration operation={operation} nowMs={nowMs} />,
    },
  ];
}

function Action({ operation, sandboxKey, split }: LogEntry) {
  const splitText = useSplitText(split);
  const options = operationOptions(operation.act, operation.params);
  return (
    <>
      <Link href={paths.operation(operation.id)} prefetch={false} className="font-medium hover:underline">
        <OperationName operation={operation} sandboxKey={sandboxKey} />
      </Link>
      {splitText === null ? null : (
        <span translate="no" className="text-ink-2">
          {' '}
          {splitText}
        </span>
      )}
      {options === null ? null : <span className="text-ink-2"> {options}</span>}
      {operation.retryOf === null ? null : <span className="text-ink-3"> · retry</span>}
    </>
  );
}

function FilterLink({ filter }: { filter: string }) {
  return (
    <Link
      href={{ pathname: paths.sandboxes(), query: { q: filter } }}
      prefetch={false}
      title={visibleText(`Show sandboxes that match ${filter} now`)}
      className="text-ink-2 hover:text-ink hover:underline"
    >
      <Visible text={filter} />
    </Link>
  );
}

const NO_ENDS: readonly ErrorEnd[] = [];

type OutcomeProps = {
  operation: Operation;
  isSingle: boolean;
  errorEnds: readonly ErrorEnd[];
  nowMs: number;
};

function Outcome({ operation, isSingle, errorEnds, nowMs }: OutcomeProps) {
  const { act, counts, cancelledBy } = operation;
  const { phase, startsInS } = usePhase(operation, nowMs);
  if (phase === 'window') return <span>Starts in {startsInS} s</span>;
  const [single] = OUTCOMES.filter((outcome) => counts[outcome] > 0);
  const ends = errorEnds.length === 0 ? null : describeErrorEnds(errorEnds, totalsOf(counts).total);
  if (isSingle && single)
    return (
      <>
        <OutcomeBadge act={act} outcome={single} />
        {ends === null ? null : <span className="text-ink-2">: {ends}</span>}
      </>
    );
  const [failures, rest] = splitFailures(counts);
  // The exit codes say more than their number.
  const others = ends === null ? failures : { ...failures, partial: 0 };
  return (
    <div className="flex items-start gap-3 py-1">
      <OutcomeBar act={act} counts={counts} className="mt-1.5 w-14 shrink-0" />
      {/* Every count is shown: the row grows where they need a second line. */}
      <div className="flex min-w-0 flex-wrap gap-x-3">
        {ends === null ? null : <span className="font-medium">{ends}</span>}
        <OutcomeCounts act={act} counts={others} className="gap-x-3! empty:hidden" />
        <OutcomeCounts act={act} counts={rest} className="gap-x-3! empty:hidden" />
        {cancelledBy === null ? null : (
          <span className="min-w-0 break-words text-ink-3">
            by <Visible text={cancelledBy} />
          </span>
        )}
      </div>
    </div>
  );
}

function splitFailures(counts: Counts): [failures: Counts, rest: Counts] {
  const failures = noCounts();
  const rest = noCounts();
  for (const outcome of OUTCOMES) (isTroubled(outcome) ? failures : rest)[outcome] = counts[outcome];
  return [failures, rest];
}

function Duration({ operation, nowMs }: { operation: Operation; nowMs: number }) {
  const { startsAtMs, finishedAtMs } = operation;
  const text = useServerNow((serverNowMs) => {
    const tookMs = (finishedAtMs ?? serverNowMs) - startsAtMs;
    if (finishedAtMs !== null) return tookMs > 0 ? formatTook(tookMs) : '–';
    // A running operation is shown in whole seconds.
    return tookMs > 0 ? formatTook(Math.max(1_000, Math.floor(tookMs / 1_000) * 1_000)) : '';
  }, nowMs);
  return <>{text}</>;
}

const ACTIONS = {
  kill: 'Kills',
  pause: 'Pauses',
  resume: 'Resumes',
  setTimeout: 'Time left changes',
  run: 'Commands',
} satisfies Record<SandboxAct, string>;

function ActionSelect({ search, onFilter }: FilterProps<LogSearch>) {
  return (
    <Select
      label="Action"
      value={search.act ?? ''}
      options={[
        { value: '', label: 'All actions' },
        ...SANDBOX_ACTS.map((act) => ({ value: act, label: ACTIONS[act] })),
      ]}
      onChange={(act) => onFilter({ act: act || null })}
    />
  );
}

const STATES = {
  running: 'Running',
  finished: 'Finished',
  cancelled: 'Cancelled',
  troubled: 'With failures',
} satisfies Record<LogState, string>;

function StateSelect({ search, onFilter }: FilterProps<LogSearch>) {
  return (
    <Select
      label="Outcome"
      value={search.state ?? ''}
      options={[
        { value: '', label: 'Any outcome' },
        ...LOG_STATES.map((state) => ({ value: state, label: STATES[state] })),
      ]}
      onChange={(state) => onFilter({ state: state || null })}
    />
  );
}

function Empty() {
  return (
    <div className="flex flex-col items-center px-5 pt-[10vh]">
      <Notice level="h2" title="No operations yet">
        <p>
          Every kill, pause, resume, time left change and command is recorded here, with the person, time,
          reason, sandboxes and outcomes. Entries cannot be edited or deleted.
        </p>
        <p className="mt-4">
          <Link href={paths.sandboxes()} className="text-accent underline">
            View sandboxes
          </Link>
        </p>
      </Notice>
    </div>
  );
}
