import { availableParallelism } from 'node:os';
import { type ProcessStat, readAllProcesses, readProcess, treeOf } from './process-tree';
import type { Session } from './session';
import { readHostText } from './skeleton';

/** CPU clock ticks per second: a constant of the Linux interface on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a session's processes use now. */
export type ProcessUse = { readonly cpuUsedPct: number; readonly memUsedBytes: number };

/** Measures sessions; each is compared with how it was at the measurement before, or when it started. */
export class ProcessMeter {
  readonly #before = new WeakMap<Session, { cpuSeconds: number; atMs: number }>();

  /** Use of several sessions at one moment: the host's processes are read once, and only when needed. */
  measure(sessions: readonly Session[]): ProcessUse[] {
    let all: Map<number, ProcessStat> | undefined;
    return sessions.map((session) => {
      const { cgroup, init } = session.jail;
      if (!cgroup) all ??= readAllProcesses();
      const processes = cgroup ? readThose(cgroup.pids) : treeOf(init.pid, all);
      const ticks = processes.reduce((sum, process) => sum + process.cpuTicks, 0);
      const cpuSeconds = cgroup ? cgroup.cpuMicros / 1e6 : ticks / TICKS_PER_SECOND;
      const memUsedBytes = processes.reduce((sum, { pid }) => sum + ownBytes(pid), 0);
      return { cpuUsedPct: this.#share(session, cpuSeconds), memUsedBytes };
    });
  }

  #share(session: Session, cpuSeconds: number): number {
    const now = performance.now();
    const before = this.#before.get(session) ?? { cpuSeconds: 0, atMs: session.openedAtMs };
    this.#before.set(session, { cpuSeconds, atMs: now });
    if (now <= before.atMs) return 0;
    const percent = ((cpuSeconds - before.cpuSeconds) / ((now - before.atMs) / 1000)) * 100;
    return Math.min(Math.max(0, Math.round(percent * 100) / 100), availableParallelism() * 100);
  }
}

function readThose(pids: readonly number[]): ProcessStat[] {
  return pids.map(readProcess).filter((process) => process !== null);
}

/** Memory that a process does not share with files: what it would give back by ending. */
function ownBytes(pid: number): number {
  const status = readHostText(`/proc/${pid}/status`);
  const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kib('RssAnon') + kib('RssShmem')) * 1024;
}
