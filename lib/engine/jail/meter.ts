import { availableParallelism } from 'node:os';
import { type ProcessStat, readAllProcesses, readProcess, treeOf } from './process-tree';
import type { Session } from './session';
import { readHostText } from './skeleton';

/** USER_HZ, which is 100 on every architecture that Node supports. */
const TICKS_PER_SECOND = 100;

export type ProcessUse = { readonly cpuUsedPct: number; readonly memUsedBytes: number };

/** Measures sessions. CPU use is the average since the previous measurement, or since the session opened. */
export class ProcessMeter {
  readonly #before = new WeakMap<Session, { cpuSeconds: number; atMs: number }>();

  /** Measures several sessions with at most one scan of `/proc`. */
  measure(sessions: readonly Session[]): ProcessUse[] {
    let all: Map<number, ProcessStat> | undefined;
    return sessions.map((session) => {
      const { cgroup, init } = session.jail;
      if (!cgroup) all ??= readAllProcesses();
      const processes = cgroup ? readProcesses(cgroup.pids) : treeOf(init.pid, all);
      const ticks = processes.reduce((sum, process) => sum + process.cpuTicks, 0);
      const cpuSeconds = cgroup ? cgroup.cpuMicros / 1e6 : ticks / TICKS_PER_SECOND;
      const memUsedBytes = processes.reduce((sum, { pid }) => sum + privateBytes(pid), 0);
      return { cpuUsedPct: this.#cpuPercent(session, cpuSeconds), memUsedBytes };
    });
  }

  #cpuPercent(session: Session, cpuSeconds: number): number {
    const now = performance.now();
    const before = this.#before.get(session) ?? { cpuSeconds: 0, atMs: session.openedAtMs };
    this.#before.set(session, { cpuSeconds, atMs: now });
    if (now <= before.atMs) return 0;
    const percent = ((cpuSeconds - before.cpuSeconds) / ((now - before.atMs) / 1000)) * 100;
    return Math.min(Math.max(0, Math.round(percent * 100) / 100), availableParallelism() * 100);
  }
}

function readProcesses(pids: readonly number[]): ProcessStat[] {
  return pids.map(readProcess).filter((process) => process !== null);
}

/** Memory that would be freed if the process ended: resident pages not backed by files. */
export function privateBytes(pid: number): number {
  const { anonymous, shared } = residentBytes(pid);
  return anonymous + shared;
}

/** `shared`: of files in memory that the process has mapped. */
export function residentBytes(pid: number): { anonymous: number; shared: number } {
  const status = readHostText(`/proc/${pid}/status`);
  const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { anonymous: kib('RssAnon') * 1024, shared: kib('RssShmem') * 1024 };
}
