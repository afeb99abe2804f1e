import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** One process as the host sees it. */
export type ProcessStat = {
  readonly pid: number;
  readonly parentPid: number;
  /** One letter, as in `/proc/<pid>/stat`: R, S, D, T, t, Z, X … */
  readonly state: string;
  /** Clock ticks used by it and by children that it has waited for. */
  readonly cpuTicks: number;
  /** Ticks after boot; tells it from a later process with the same number. */
  readonly startTicks: number;
  readonly residentPages: number;
};

const buffer = Buffer.alloc(1024);

/**
 * One process, or null when there is none. `/proc/<pid>/stat` is readable for everybody and cannot be hidden by the
 * process, unlike most of its neighbours.
 */
export function readProcess(pid: number): ProcessStat | null {
  const text = readStat(`/proc/${pid}/stat`);
  // The second field is the name in parentheses and may itself hold any character.
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

/** Every process of the host by number: one pass over /proc. */
export function readAllProcesses(): Map<number, ProcessStat> {
  const all = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const found = Number.isInteger(pid) ? readProcess(pid) : null;
    if (found) all.set(pid, found);
  }
  return all;
}

/** A process and all its descendants, parents before their children. Empty when there is no such process. */
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

/** Whether it still runs; a zombie does not. */
export function isSameProcess(known: Pick<ProcessStat, 'pid' | 'startTicks'>): boolean {
  const now = readProcess(known.pid);
  return now?.startTicks === known.startTicks && now.state !== 'Z' && now.state !== 'X';
}

/** Signals exactly this process, never a later one with its number. False when it is gone. */
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
