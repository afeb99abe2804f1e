'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { formatDuration, formatTook } from '@/components/ui/duration';
import { LocalTime } from '@/components/ui/local-time';
import { Visible } from '@/components/ui/visible-text';
import { insideQuery } from '@/lib/processes/queries';
import type { InsideList, InsideProcess } from '@/lib/processes/schema';
import { visibleText } from '@/lib/visible-text';

type Props = { sandboxId: string; apiPids: ReadonlySet<number>; reason: string | null };

const INITIAL_ROWS = 100;
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

/** Every process in the sandbox. Read only on request, because reading starts a shell in the sandbox. */
export function InsideTable({ sandboxId, apiPids, reason }: Props) {
  const { data, isFetching, isError, error, refetch } = useQuery(insideQuery(sandboxId));
  return (
    <section aria-labelledby="inside" className="flex shrink-0 flex-col pt-4 pb-8">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 pb-2">
        <h2 id="inside" className="font-semibold">
          All processes
        </h2>
        <p className="min-w-0 flex-1 basis-72 text-ink-2">
          {data ? (
            <>
              Read at <LocalTime ms={data.atMs} isShort />.{data.isCut ? ' The list is incomplete.' : null}
            </>
          ) : (
            'With CPU time and memory. Reading the list briefly starts a shell in the sandbox.'
          )}
        </p>
        <Button unavailable={reason} isBusy={isFetching} onClick={() => void refetch()}>
          {isFetching ? 'Reading…' : data ? 'Read again' : 'Read all processes'}
        </Button>
      </div>
      {isError ? (
        <p role="alert" className="px-5 pb-2 text-ink-2">
          {error.message}
        </p>
      ) : null}
      {data ? <Rows list={data} apiPids={apiPids} /> : null}
    </section>
  );
}

function Rows({ list: { processes, atMs }, apiPids }: { list: InsideList; apiPids: ReadonlySet<number> }) {
  const [maxRows, setMaxRows] = useState(INITIAL_ROWS);
  return (
    <>
      <div className="overflow-x-auto">
        <table
          aria-label="All processes"
          className="w-full min-w-[860px] table-fixed border-collapse text-left [&_td]:px-2 [&_th]:px-2"
        >
          <thead className="text-ink-2 text-small">
            <tr className="h-8 border-line border-b [&>th]:font-normal">
              <th className="w-24 pl-5!">PID</th>
              <th className="w-20">Parent</th>
              <th>Command</th>
              <th className="w-16">User</th>
              <th className="w-40">State</th>
              <th className="w-24 text-right">Running for</th>
              <th className="w-24 text-right">CPU time</th>
              <th className="w-28 pr-5! text-right">Memory</th>
            </tr>
          </thead>
          <tbody>
            {processes.slice(0, maxRows).map((process) => (
              <Row key={process.pid} process={process} atMs={atMs} isFromApi={apiPids.has(process.pid)} />
            ))}
          </tbody>
        </table>
      </div>
      {processes.length > maxRows ? (
        <div className="px-5 py-3">
          <Button onClick={() => setMaxRows(processes.length)}>Show all {processes.length}</Button>
        </div>
      ) : null}
    </>
  );
}

function Row({ process, atMs, isFromApi }: { process: InsideProcess; atMs: number; isFromApi: boolean }) {
  const { pid, parentPid, command, uid, state, startedAtMs, cpuMs, memoryBytes, hasTerminal } = process;
  return (
    <tr className="h-[30px] border-line-soft border-b hover:bg-hover">
      <td className="pl-5! font-mono text-small">{pid}</td>
      <td className="font-mono text-ink-2 text-small">{parentPid}</td>
      <td className="truncate font-mono text-small" title={visibleText(command)}>
        <Visible text={command} />
        {isFromApi ? <span className="ml-2 font-sans text-ink-3">by API</span> : null}
      </td>
      <td className="text-ink-2">{uid === 0 ? 'root' : uid}</td>
      <td className="truncate text-ink-2">
        <Visible text={STATES[state] ?? state} />
        {hasTerminal ? ', terminal' : ''}
      </td>
      <td className="text-right text-ink-2">{formatDuration(atMs - startedAtMs)}</td>
      <td className="text-right text-ink-2">{formatTook(cpuMs)}</td>
      <td className="pr-5! text-right text-ink-2">{formatBytes(memoryBytes)}</td>
    </tr>
  );
}
