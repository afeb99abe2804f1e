import { readFileSync } from 'node:fs';

const SAMPLE_EVERY_MS = 20;

/** The resident memory of a process in MB, or NaN if the system does not report it. */
export function residentMB(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** The largest growth of the memory of a process during `work`, MB. */
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
