'use client';

import { useState } from 'react';
import type { ProcessInfo } from '@/lib/processes/schema';

/** `isOver`: the process has ended since it was listed. */
export type SteadyRow = ProcessInfo & { isOver: boolean };

/** Identifies a process. Another process may get the same pid later. */
export function rowKey({ pid, mark }: Pick<ProcessInfo, 'pid' | 'mark'>): string {
  return `${pid} ${mark}`;
}

/** The rows to show. While `isHeld`, for example under the pointer, no row moves or disappears. */
export function useSteadyProcesses(
  processes: readonly ProcessInfo[] | undefined,
  isHeld: boolean,
): readonly SteadyRow[] {
  const [kept, setKept] = useState<{ source: typeof processes; isHeld: boolean; rows: readonly SteadyRow[] }>(
    {
      source: undefined,
      isHeld,
      rows: [],
    },
  );
  if (kept.source === processes && kept.isHeld === isHeld) return kept.rows;
  const rows = mergeRows(isHeld ? kept.rows : [], processes ?? []);
  setKept({ source: processes, isHeld, rows });
  return rows;
}

/** Keeps the shown rows in place, marks those that have ended, and appends new processes by pid. */
export function mergeRows(shown: readonly SteadyRow[], now: readonly ProcessInfo[]): SteadyRow[] {
  const current = new Map(now.map((process) => [rowKey(process), process]));
  const kept = shown.map((row) => ({
    ...(current.get(rowKey(row)) ?? row),
    isOver: !current.has(rowKey(row)),
  }));
  const known = new Set(kept.map(rowKey));
  const added = now
    .filter((process) => !known.has(rowKey(process)))
    .sort((one, other) => one.pid - other.pid);
  return [...kept, ...added.map((process) => ({ ...process, isOver: false }))];
}
