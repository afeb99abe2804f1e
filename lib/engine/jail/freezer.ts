import { setTimeout as delay } from 'node:timers/promises';
import type { Cgroup } from './cgroups';
import { type ProcessStat, readProcess, signalProcess, treeOf } from './process-tree';

const DEADLINE_MS = 8_000;

export interface Frozen {
  thaw(): Promise<void>;
}

/**
 * Stops every process of a sandbox, including those being forked, without any of them noticing.
 * @param initPid host pid of the sandbox's first process
 * @throws if a process does not stop in time; all processes then run again
 */
export function freeze(initPid: number, cgroup: Cgroup | null): Promise<Frozen> {
  return cgroup ? freezeGroup(cgroup) : stopInOrder(initPid);
}

async function freezeGroup(cgroup: Cgroup): Promise<Frozen> {
  const deadline = Date.now() + DEADLINE_MS;
  cgroup.setFrozen(true);
  while (!cgroup.isFrozen) {
    if (Date.now() > deadline) {
      cgroup.setFrozen(false);
      throw new Error(`The sandbox's processes did not freeze within ${DEADLINE_MS / 1000} s.`);
    }
    await delay(1);
  }
  return {
    thaw: async () => cgroup.setFrozen(false),
  };
}

/**
 * Without control groups: sends SIGSTOP level by level from the first process down, and waits for each level to stop.
 * In any other order, a shell would see its foreground job stop, reclaim the terminal and print "Stopped". Repeats
 * until no new process is found. This terminates, because a stopped parent cannot fork again.
 */
async function stopInOrder(initPid: number): Promise<Frozen> {
  const deadline = Date.now() + DEADLINE_MS;
  const stopped: ProcessStat[] = [];
  const seen = new Set<number>();
  try {
    for (;;) {
      const fresh = treeOf(initPid).filter((process) => !seen.has(process.pid) && isLive(process.state));
      if (fresh.length === 0) return { thaw: async () => continueInOrder(stopped) };
      const freshPids = new Set(fresh.map((process) => process.pid));
      const level = fresh.filter((process) => !freshPids.has(process.parentPid));
      for (const process of level) seen.add(process.pid);
      // Processes that the sandbox itself stopped stay stopped after the pause.
      const ours = level.filter((process) => !isStopped(process.state));
      for (const process of ours) if (signalProcess(process, 'SIGSTOP')) stopped.push(process);
      await Promise.all(ours.map((process) => waitUntilStopped(process, deadline)));
    }
  } catch (error) {
    continueInOrder(stopped);
    throw error;
  }
}

/** Continues children first. A parent that runs before them would see them as stopped. */
function continueInOrder(stopped: readonly ProcessStat[]): void {
  for (const process of [...stopped].reverse()) signalProcess(process, 'SIGCONT');
}

async function waitUntilStopped(process: ProcessStat, deadline: number): Promise<void> {
  for (;;) {
    const now = readProcess(process.pid);
    if (!now || now.startTicks !== process.startTicks || !isLive(now.state) || isStopped(now.state)) return;
    if (Date.now() > deadline) {
      throw new Error(`The sandbox's processes did not stop within ${DEADLINE_MS / 1000} s.`);
    }
    await delay(0);
  }
}

const isLive = (state: string) => state !== 'Z' && state !== 'X';
const isStopped = (state: string) => state === 'T' || state === 't';
