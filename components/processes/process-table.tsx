'use client';

import { clsx } from 'clsx';
import { Button } from '@/components/ui/button';
import { Visible } from '@/components/ui/visible-text';
import type { ProcessInfo } from '@/lib/processes/schema';
import { visibleText } from '@/lib/visible-text';
import { SignalButtons } from './signal-buttons';
import type { SignalRequest } from './signal-dialog';
import type { Hold, Steady } from './use-steady-rows';

type SteadyRow = Steady<ProcessInfo>;

/** Identifies a process. Another process may get the same pid later. */
export function rowKey({ pid, mark }: Pick<ProcessInfo, 'pid' | 'mark'>): string {
  return `${pid} ${mark}`;
}

type Props = {
  rows: readonly SteadyRow[];
  /** The process whose output is shown. */
  attached: ProcessInfo | null;
  /** The reason why the actions are unavailable; `null` if they are available. */
  reason: string | null;
  onAttach: (process: ProcessInfo) => void;
  onSignal: (request: SignalRequest) => void;
  hold: Hold;
};

/** The processes that were started through the API. */
export function ProcessTable({ rows, attached, reason, onAttach, onSignal, hold }: Props) {
  return (
    <div className="shrink-0 overflow-x-auto">
      <table
        aria-label="Processes started by API"
        className="w-full table-fixed border-collapse text-left sm:min-w-[720px]"
      >
        <thead className="text-ink-2 text-small">
          <tr className="h-8 border-line border-b [&>th]:px-2 [&>th]:font-normal">
            <th className="w-20 pl-5! max-sm:w-16">PID</th>
            <th>Command</th>
            {/* A phone has room for the buttons instead. */}
            <th className="w-[18%] max-sm:hidden">Directory</th>
            <th className="w-[12%] max-sm:hidden">Tag</th>
            <th className="w-[250px] pr-5! max-sm:w-[236px] max-sm:pl-0!">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody {...hold}>
          {rows.map((row) => (
            <Row
              key={rowKey(row)}
              row={row}
              isAttached={attached !== null && rowKey(attached) === rowKey(row)}
              reason={row.isOver ? 'It has ended.' : reason}
              onAttach={onAttach}
              onSignal={onSignal}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = Pick<Props, 'reason' | 'onAttach' | 'onSignal'> & { row: SteadyRow; isAttached: boolean };

function Row({ row, isAttached, reason, onAttach, onSignal }: RowProps) {
  const { pid, mark, command, cwd, tag, isOver } = row;
  return (
    <tr
      className={clsx(
        'h-[34px] border-line-soft border-b [&>td]:px-2',
        isAttached ? 'bg-selected' : 'hover:bg-hover',
        isOver && 'text-ink-3',
      )}
    >
      <td translate="no" className="pl-5! font-mono text-small">
        {pid}
      </td>
      <td translate="no" className="truncate font-mono text-small" title={visibleText(command)}>
        <Visible text={command} />
        {isOver ? <span className="ml-2 font-sans">ended</span> : null}
      </td>
      <td translate="no" className="truncate font-mono text-ink-2 text-small max-sm:hidden">
        {cwd === null ? <span className="font-sans text-ink-3">default</span> : <Visible text={cwd} />}
      </td>
      <td className="truncate text-ink-2 max-sm:hidden">{tag === null ? null : <Visible text={tag} />}</td>
      <td className="pr-5! max-sm:pl-0!">
        <span className="flex justify-end gap-1.5">
          <Button
            className="h-7!"
            aria-label={`Attach to ${pid}`}
            aria-pressed={isAttached}
            unavailable={reason}
            onClick={() => onAttach(row)}
          >
            Attach
          </Button>
          <SignalButtons
            pid={pid}
            reason={reason}
            onSignal={(signal) => onSignal({ target: { pid, mark }, command, signal })}
          />
        </span>
      </td>
    </tr>
  );
}
