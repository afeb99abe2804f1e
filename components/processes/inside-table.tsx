'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { formatDuration, formatTook } from '@/components/ui/duration';
import { LocalTime } from '@/components/ui/local-time';
import { insideQuery } from '@/lib/processes/queries';
import type { InsideList, InsideProcess } from '@/lib/processes/schema';
import { visibleOutput } from '@/lib/sandbox/visible-output';

type Props = { sandboxId: string; outside: ReadonlySet<number>; reason: string | null };

const SHOWN_AT_FIRST = 100;
/** As the kernel has them (proc(5)). */
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for the disk',
  T: 'stopped',
  t: 'being traced',
  Z: 'ended, not yet noticed',
  I: 'idle',
};

/** Everything that runs in the sandbox, read only when somebody asks: reading starts a shell in it. */
export function InsideTable({ sandboxId, outside, reason }: Props) {
  const { data, isFetching, isError, error, refetch } = useQuery(insideQuery(sandboxId));
  return (
    <section aria-labelledby="inside" className="flex shrink-0 flex-col pt-4 pb-8">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 pb-2">
        <h2 id="inside" className="font-semibold">
          Everything that runs in it
        </h2>
        <p className="min-w-0 flex-1 basis-72 text-ink-2">
          {data ? (
            <>
              As it was at <LocalTime ms={data.atMs} isShort />
              {data.isCut ? '; there are more.' : '.'}
            </>
          ) : (
            'With processor time and memory. Reading it starts a shell in the sandbox for a moment.'
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
      {data ? <Rows list={data} outside={outside} /> : null}
    </section>
  );
}

function Rows({ list: { processes, atMs }, outside }: { list: InsideList; outside: ReadonlySet<number> }) {
  const [most, setMost] = useState(SHOWN_AT_FIRST);
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
              <th className="w-24 text-right">Runs for</th>
              <th className="w-24 text-right">CPU time</th>
              <th className="w-28 pr-5! text-right">Memory</th>
            </tr>
          </thead>
          <tbody>
            {processes.slice(0, most).map((process) => (
              <Row key={process.pid} process={process} atMs={atMs} isOutside={outside.has(process.pid)} />
            ))}
          </tbody>
        </table>
      </div>
      {processes.length > most ? (
        <div className="px-5 py-3">
          <Button onClick={() => setMost(processes.length)}>Show all {processes.length}</Button>
        </div>
      ) : null}
    </>
  );
}

function Row({ process, atMs, isOutside }: { process: InsideProcess; atMs: number; isOutside: boolean }) {
  const { pid, parentPid, command, uid, state, startedAtMs, cpuMs, memoryBytes, hasTerminal } = process;
  return (
    <tr className="h-[30px] border-line-soft border-b hover:bg-hover">
      <td className="pl-5! font-mono text-small">{pid}</td>
      <td className="font-mono text-ink-2 text-small">{parentPid}</td>
      <td className="truncate font-mono text-small" title={visibleOutput(command)}>
        <bdi>{visibleOutput(command)}</bdi>
        {isOutside ? <span className="ml-2 font-sans text-ink-3">from outside</span> : null}
      </td>
      <td className="text-ink-2">{uid === 0 ? 'root' : uid}</td>
      <td className="truncate text-ink-2">
        {STATES[state] ?? visibleOutput(state)}
        {hasTerminal ? ', terminal' : ''}
      </td>
      <td className="text-right text-ink-2">{formatDuration(atMs - startedAtMs)}</td>
      <td className="text-right text-ink-2">{formatTook(cpuMs)}</td>
      <td className="pr-5! text-right text-ink-2">{formatBytes(memoryBytes)}</td>
    </tr>
  );
}
