import { readFileSync } from 'node:fs';

const SAMPLE_EVERY_MS = 20;

/** What a process holds in memory, in MB; NaN where the system does not say. */
export function residentMB(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** By how much a process grows over what it held before, at most, while `work` is under way, MB. */
export async function growthMB(pid: number | undefined, work: () => Promise<unknown>): Promise<number> {
  const before = residentMB(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMB(pid));
  }, SAMPLE_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}
