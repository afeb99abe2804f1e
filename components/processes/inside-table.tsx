'use client';

import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { formatDuration, formatTook } from '@/components/ui/duration';
import { Visible } from '@/components/ui/visible-text';
import {
  type ArrangedProcess,
  insideKey,
  orderBy,
  type ProcessOrder,
  type ProcessSortKey,
} from '@/lib/processes/arrange';
import { visibleText } from '@/lib/visible-text';
import { SignalButtons } from './signal-buttons';
import type { SignalRequest } from './signal-dialog';
import type { Hold, Steady } from './use-steady-rows';

type Props = {
  rows: readonly Steady<ArrangedProcess>[];
  /** When the rows were read, by the server's clock. */
  atMs: number;
  apiPids: ReadonlySet<number>;
  order: ProcessOrder;
  onSort: (order: ProcessOrder) => void;
  /** The reason why no process can be signalled; `null` if they can. */
  reason: string | null;
  onSignal: (request: SignalRequest) => void;
  hold: Hold;
};

const INITIAL_ROWS = 100;
/** Deeper processes are not indented further. */
const MAX_INDENT = 12;
const INDENT_PX = 16;
/** The kernel's state letters, see proc(5). */
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for I/O',
  T: 'stopped',
  t: 'traced',
  Z: 'zombie',
  I: 'idle',
};

const COLUMNS: readonly { key: ProcessSortKey; title: string; className: string }[] = [
  { key: 'pid', title: 'PID', className: 'w-20 pl-5!' },
  { key: 'command', title: 'Command', className: '' },
  { key: 'user', title: 'User', className: 'w-16' },
  { key: 'state', title: 'State', className: 'w-32' },
  { key: 'age', title: 'Running for', className: 'w-24 text-right' },
  { key: 'cpu', title: 'CPU', className: 'w-16 text-right' },
  { key: 'cpuTime', title: 'CPU time', className: 'w-24 text-right' },
  { key: 'memory', title: 'Memory', className: 'w-24 text-right' },
];

/** Every process in the sandbox, with its signals. */
export function InsideTable({ rows, atMs, apiPids, order, onSort, reason, onSignal, hold }: Props) {
  const [maxRows, setMaxRows] = useState(INITIAL_ROWS);
  return (
    <>
      <div className="overflow-x-auto">
        <table
          aria-label="All processes"
          className="w-full min-w-[1000px] table-fixed border-collapse text-left [&_td]:px-2 [&_th]:px-2"
        >
          <thead className="text-ink-2 text-small">
            <tr className="h-8 border-line border-b [&>th]:font-normal">
              {COLUMNS.map((column) => (
                <HeaderCell key={column.key} column={column} order={order} onSort={onSort} />
              ))}
              <th className="w-[176px] pr-5! max-md:sticky max-md:right-0 max-md:bg-bg">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody {...hold}>
            {rows.slice(0, maxRows).map((row) => (
              <Row
                key={insideKey(row)}
                row={row}
                atMs={atMs}
                isFromApi={apiPids.has(row.pid)}
                isTree={order.isTree}
                reason={reason}
                onSignal={onSignal}
              />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > maxRows ? (
        <div className="px-5 py-3">
          <Button onClick={() => setMaxRows(Number.POSITIVE_INFINITY)}>Show all {rows.length}</Button>
        </div>
      ) : null}
    </>
  );
}

type HeaderProps = { column: (typeof COLUMNS)[number] } & Pick<Props, 'order' | 'onSort'>;

function HeaderCell({ column: { key, title, className }, order, onSort }: HeaderProps) {
  const isSorted = order.key === key;
  const Arrow = order.isDescending ? ArrowDown : ArrowUp;
  return (
    <th
      className={className}
      aria-sort={isSorted ? (order.isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        onClick={() => onSort(orderBy(key, order))}
        className={clsx(
          'inline-flex items-center gap-1 whitespace-nowrap rounded-sm hover:text-ink',
          isSorted ? 'text-ink' : 'text-ink-2',
        )}
      >
        {title}
        {isSorted ? <Arrow size={12} className="shrink-0" aria-hidden /> : null}
      </button>
    </th>
  );
}

type RowProps = Pick<Props, 'atMs' | 'reason' | 'onSignal'> & {
  row: Steady<ArrangedProcess>;
  isFromApi: boolean;
  isTree: boolean;
};

function Row({ row, atMs, isFromApi, isTree, reason, onSignal }: RowProps) {
  const { pid, parentPid, command, uid, state, startTicks, startedAtMs, hasTerminal, depth, isOver } = row;
  return (
    <tr
      className={clsx(
        'h-[34px] border-line-soft border-b hover:bg-hover [&>td]:whitespace-nowrap',
        isOver && 'text-ink-3',
      )}
    >
      <td translate="no" className="pl-5! font-mono text-small">
        {pid}
      </td>
      <td
        translate="no"
        className="truncate font-mono text-small"
        title={`${visibleText(command)} (parent ${parentPid})`}
        style={isTree ? { paddingLeft: 8 + Math.min(depth, MAX_INDENT) * INDENT_PX } : undefined}
      >
        {isTree && depth > 0 ? <span className="sr-only">Level {depth + 1}: </span> : null}
        <Visible text={command} />
        {isFromApi ? <span className="ml-2 font-sans text-ink-3">by API</span> : null}
        {isOver ? <span className="ml-2 font-sans">ended</span> : null}
      </td>
      <td className="text-ink-2">{uid === 0 ? 'root' : uid}</td>
      <td className="truncate text-ink-2">
        <Visible text={STATES[state] ?? state} />
        {hasTerminal ? ', terminal' : ''}
      </td>
      <td className="text-right text-ink-2">{formatDuration(atMs - startedAtMs)}</td>
      <td className="text-right text-ink-2">{row.cpuShare === null ? '–' : formatShare(row.cpuShare)}</td>
      <td className="text-right text-ink-2">{formatTook(row.cpuMs)}</td>
      <td className="text-right text-ink-2">{formatBytes(row.memoryBytes)}</td>
      {/* Within reach on a narrow screen, beside the command. */}
      <td className="pr-5! max-md:sticky max-md:right-0 max-md:bg-bg">
        <span className="flex justify-end gap-1.5">
          <SignalButtons
            pid={pid}
            reason={reasonFor(row) ?? reason}
            onSignal={(signal) => onSignal({ target: { pid, startTicks }, command, signal })}
          />
        </span>
      </td>
    </tr>
  );
}

function reasonFor({ isOver, isEssential }: Steady<ArrangedProcess>): string | null {
  if (isOver) return 'It has ended.';
  return isEssential ? 'The sandbox cannot be reached without this process. Kill the sandbox instead.' : null;
}

/** The share of one processor, for example "98 %". */
function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
