import type { InsideList, InsideProcess } from './schema';

/** How the processes of a sandbox are ordered on the page. */

/** A process with the share of one processor that it has used since the list was read before, `null` at first. */
export type MeasuredProcess = InsideProcess & { cpuShare: number | null };
/** `depth` is 0 for a process without a listed parent, and in a list that is not a tree. */
export type ArrangedProcess = MeasuredProcess & { depth: number };

export const PROCESS_SORT_KEYS = [
  'pid',
  'command',
  'user',
  'state',
  'age',
  'cpu',
  'cpuTime',
  'memory',
] as const;
export type ProcessSortKey = (typeof PROCESS_SORT_KEYS)[number];
export type ProcessOrder = { key: ProcessSortKey; isDescending: boolean; isTree: boolean };

const VALUES = {
  pid: ({ pid }) => pid,
  command: ({ command }) => command.toLowerCase(),
  user: ({ uid }) => uid,
  state: ({ state }) => state,
  age: ({ startTicks }) => -startTicks,
  cpu: ({ cpuShare }) => cpuShare ?? 0,
  cpuTime: ({ cpuMs }) => cpuMs,
  memory: ({ memoryBytes }) => memoryBytes,
} satisfies Record<ProcessSortKey, (process: MeasuredProcess) => number | string>;

/** Identifies a process. Another process may get the same pid later. */
export function insideKey({ pid, startTicks }: Pick<InsideProcess, 'pid' | 'startTicks'>): string {
  return `${pid} ${startTicks}`;
}

/** Compares a reading with the one before it. */
export function measure(list: InsideList, before: InsideList | null): MeasuredProcess[] {
  const earlier = new Map(before?.processes.map((process) => [insideKey(process), process.cpuMs]));
  const passedMs = before === null ? 0 : list.atMs - before.atMs;
  return list.processes.map((process) => {
    const earlierMs = earlier.get(insideKey(process));
    const isKnown = earlierMs !== undefined && passedMs > 0;
    return { ...process, cpuShare: isKnown ? Math.max(0, process.cpuMs - earlierMs) / passedMs : null };
  });
}

/** Orders the processes, in a tree the children of each process below it. Each process appears exactly once. */
export function arrange(
  processes: readonly MeasuredProcess[],
  { key, isDescending, isTree }: ProcessOrder,
): ArrangedProcess[] {
  const value = VALUES[key];
  const compare = (one: MeasuredProcess, other: MeasuredProcess) => {
    const [first, second] = [value(one), value(other)];
    const order = first < second ? -1 : first > second ? 1 : 0;
    return (isDescending ? -order : order) || one.pid - other.pid;
  };
  const sorted = processes.toSorted(compare);
  if (!isTree) return sorted.map((process) => ({ ...process, depth: 0 }));
  const byPid = new Map(sorted.map((process) => [process.pid, process]));
  const children = new Map<number, MeasuredProcess[]>();
  for (const process of sorted) {
    const siblings = children.get(process.parentPid);
    if (siblings === undefined) children.set(process.parentPid, [process]);
    else siblings.push(process);
  }
  const arranged = new Map<number, ArrangedProcess>();
  const add = (root: MeasuredProcess) => {
    // Without recursion: a chain of processes may be long.
    const waiting: ArrangedProcess[] = [{ ...root, depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (arranged.has(next.pid)) continue;
      arranged.set(next.pid, next);
      const depth = next.depth + 1;
      for (const child of children.get(next.pid)?.toReversed() ?? []) waiting.push({ ...child, depth });
    }
  };
  for (const process of sorted)
    if (!byPid.has(process.parentPid) || process.pid === process.parentPid) add(process);
  // The sandbox may report parents in a circle.
  for (const process of sorted) add(process);
  return [...arranged.values()];
}

const DEFAULT_ORDER: ProcessOrder = { key: 'pid', isDescending: false, isTree: true };
/** The columns where the largest values are of interest. */
const DESCENDING_FIRST: ReadonlySet<ProcessSortKey> = new Set(['age', 'cpu', 'cpuTime', 'memory']);

/** The order after a click on a column. The largest consumers of all are found in a flat list. */
export function orderBy(key: ProcessSortKey, before: ProcessOrder): ProcessOrder {
  if (before.key === key) return { ...before, isDescending: !before.isDescending };
  return { ...before, key, isDescending: DESCENDING_FIRST.has(key) };
}

/** For the URL, for example `tree`, `-cpu` or `-cpu,tree`. */
export function printOrder({ key, isDescending, isTree }: ProcessOrder): string {
  return `${isDescending ? '-' : ''}${key}${isTree ? ',tree' : ''}`;
}

/** The default order for a text in another format. */
export function parseOrder(text: string | null): ProcessOrder {
  const [, sign, name, tree] = /^(-?)(\w+)(,tree)?$/.exec(text ?? '') ?? [];
  const key = PROCESS_SORT_KEYS.find((known) => known === name);
  return key === undefined ? DEFAULT_ORDER : { key, isDescending: sign === '-', isTree: tree !== undefined };
}
