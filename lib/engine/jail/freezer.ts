import { setTimeout as delay } from 'node:timers/promises';
import type { Cgroup } from './cgroups';
import { type ProcessStat, readProcess, signalProcess, treeOf } from './process-tree';

/** How long freezing may take before it counts as failed; everything runs on then. */
const DEADLINE_MS = 8_000;

/** A sandbox whose processes stand still. */
export interface Frozen {
  /** Lets them go on. */
  thaw(): Promise<void>;
}

/**
 * Stops every process of a sandbox, those that are being forked included, so that none of them can tell.
 * @param initPid the sandbox's first process, as the host numbers it
 * @throws when some process could not be stopped in time; those that were are running again
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
      throw new Error('The processes of the sandbox could not be frozen in time.');
    }
    await delay(1);
  }
  return {
    thaw: async () => cgroup.setFrozen(false),
  };
}

/**
 * Without control groups: SIGSTOP from the first process downwards, one level at a time, each level really stopped
 * before its children are touched. In any other order a shell that waits for its foreground job sees it stop, takes
 * the terminal back and prints "Stopped". Repeated until nothing new is found: a process that forks while it is being
 * stopped leaves a child whose parent stands, so this ends.
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
      // What the sandbox stopped itself stays stopped after the pause, so it is not ours to continue.
      const ours = level.filter((process) => !isStopped(process.state));
      for (const process of ours) if (signalProcess(process, 'SIGSTOP')) stopped.push(process);
      await Promise.all(ours.map((process) => waitUntilStopped(process, deadline)));
    }
  } catch (error) {
    continueInOrder(stopped);
    throw error;
  }
}

/** Children first: a parent that runs before them would see them as stopped. */
function continueInOrder(stopped: readonly ProcessStat[]): void {
  for (const process of [...stopped].reverse()) signalProcess(process, 'SIGCONT');
}

async function waitUntilStopped(process: ProcessStat, deadline: number): Promise<void> {
  for (;;) {
    const now = readProcess(process.pid);
    if (!now || now.startTicks !== process.startTicks || !isLive(now.state) || isStopped(now.state)) return;
    if (Date.now() > deadline) {
      throw new Error('The processes of the sandbox could not be stopped in time.');
    }
    await delay(0);
  }
}

const isLive = (state: string) => state !== 'Z' && state !== 'X';
const isStopped = (state: string) => state === 'T' || state === 't';
