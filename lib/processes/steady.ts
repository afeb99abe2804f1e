import type { ProcessInfo } from './schema';

/** A process in a list; `isOver`: it was there a moment ago. */
export type SteadyRow = ProcessInfo & { isOver: boolean };

/** What tells one process from another that has its number later. */
export function rowKey({ pid, mark }: Pick<ProcessInfo, 'pid' | 'mark'>): string {
  return `${pid} ${mark}`;
}

/** `now` after `shown`: what was shown stays where it is, over or not, and what is new comes after it, by number. */
export function steady(shown: readonly SteadyRow[], now: readonly ProcessInfo[]): SteadyRow[] {
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
