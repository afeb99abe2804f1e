import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

export type ProcessStat = {
  readonly pid: number;
  readonly parentPid: number;
  /** One letter, as in `/proc/<pid>/stat`: R, S, D, T, t, Z, X … */
  readonly state: string;
  /** CPU time of the process and of the children it has waited for. */
  readonly cpuTicks: number;
  /** Start time after boot. Identifies the process together with its pid. */
  readonly startTicks: number;
  readonly residentPages: number;
};

const buffer = Buffer.alloc(1024);

/** Null if the process does not exist. A process cannot hide `/proc/<pid>/stat`, unlike most other files there. */
export function readProcess(pid: number): ProcessStat | null {
  const text = readStat(`/proc/${pid}/stat`);
  // The second field is the name in parentheses, which may contain any character.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!fields || fields.length < 22) return null;
  const field = (index: number) => Number(fields[index]);
  return {
    pid,
    parentPid: field(1),
    state: fields[0] ?? 'X',
    cpuTicks: field(11) + field(12) + field(13) + field(14),
    startTicks: field(19),
    residentPages: field(21),
  };
}

export function readAllProcesses(): Map<number, ProcessStat> {
  const all = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const found = Number.isInteger(pid) ? readProcess(pid) : null;
    if (found) all.set(pid, found);
  }
  return all;
}

/** A process and its descendants, parents first. Empty if the process does not exist. */
export function treeOf(rootPid: number, all = readAllProcesses()): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  for (const process of all.values()) {
    const siblings = children.get(process.parentPid);
    if (siblings) siblings.push(process);
    else children.set(process.parentPid, [process]);
  }
  const root = all.get(rootPid);
  const tree = root ? [root] : [];
  for (let index = 0; index < tree.length; index += 1) {
    const next = tree[index];
    if (next) tree.push(...(children.get(next.pid) ?? []));
  }
  return tree;
}

/** The same as `treeOf`, without a look at other processes of the machine where the kernel lists children. */
export function findTree(rootPid: number): ProcessStat[] {
  const root = readProcess(rootPid);
  const tree = root ? [root] : [];
  for (let index = 0; index < tree.length; index += 1) {
    const children = childrenOf(tree[index]?.pid ?? 0);
    if (!children) return treeOf(rootPid);
    tree.push(...children.map(readProcess).filter((process) => process !== null));
  }
  return tree;
}

/** Null if the kernel does not list them. */
function childrenOf(pid: number): number[] | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    return readProcess(pid) ? null : [];
  }
}

/** Whether the process still runs. A zombie does not. */
export function isSameProcess(known: Pick<ProcessStat, 'pid' | 'startTicks'>): boolean {
  const now = readProcess(known.pid);
  return now?.startTicks === known.startTicks && now.state !== 'Z' && now.state !== 'X';
}

/** Signals this process, never a later one with the same pid. False if it has ended. */
export function signalProcess(
  known: Pick<ProcessStat, 'pid' | 'startTicks'>,
  signal: NodeJS.Signals,
): boolean {
  if (!isSameProcess(known)) return false;
  try {
    process.kill(known.pid, signal);
    return true;
  } catch {
    return false;
  }
}

function readStat(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
