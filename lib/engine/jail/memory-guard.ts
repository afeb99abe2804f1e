import type { Guest } from '../guests';
import { residentBytes } from './meter';
import { scanOpenFiles } from './open-files';
import { type ProcessStat, signalProcess } from './process-tree';

/** A peak above the limit may last this long, unless it is more than a quarter too high. */
const MAX_PEAK_MS = 400;
const MAX_PEAK_RATIO = 1.25;
/** No sandbox fills memory faster: about two cores that do nothing else. */
const FILL_BYTES_PER_MS = 4_000_000;
/** Largest share of time spent on files in memory that no process has mapped. */
const MAX_SCAN_SHARE = 1 / 20;

/** Keeps one session within its memory where the kernel does not, by killing its largest processes. */
export class MemoryGuard {
  #aboveSinceMs: number | null = null;
  #scan: { bytes: ReadonlyMap<number, number>; dueMs: number } = { bytes: new Map(), dueMs: 0 };
  /** Start times of killed processes, which may take a moment to end, by pid. */
  readonly #killed = new Map<number, number>();

  /**
   * @param device of the sandbox's files
   * @returns the number of killed processes, and how soon to look again in ms
   */
  check(guest: Guest, tree: readonly ProcessStat[], device: number): { killed: number; dueMs: number } {
    const limitBytes = guest.memoryMB * 1024 * 1024;
    const live = tree.filter(({ pid, startTicks }) => this.#killed.get(pid) !== startTicks);
    const files = this.#filesOf(live, device);
    const sizes = live.map((process) => {
      const { anonymous, shared } = residentBytes(process.pid);
      return { process, bytes: anonymous + Math.max(shared, files.get(process.pid) ?? 0) };
    });
    const usedBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    const dueMs = Math.max(0, limitBytes - usedBytes) / FILL_BYTES_PER_MS;
    if (usedBytes <= limitBytes) {
      this.#aboveSinceMs = null;
      return { killed: 0, dueMs };
    }
    this.#aboveSinceMs ??= Date.now();
    const isPeak = Date.now() - this.#aboveSinceMs < MAX_PEAK_MS && usedBytes < limitBytes * MAX_PEAK_RATIO;
    return { killed: isPeak ? 0 : this.#killLargest(sizes, usedBytes - limitBytes), dueMs };
  }

  #filesOf(tree: readonly ProcessStat[], device: number): ReadonlyMap<number, number> {
    const startedMs = performance.now();
    if (startedMs < this.#scan.dueMs) return this.#scan.bytes;
    const { memoryBytes } = scanOpenFiles(
      tree.map(({ pid }) => pid),
      device,
    );
    const endedMs = performance.now();
    this.#scan = { bytes: memoryBytes, dueMs: endedMs + (endedMs - startedMs) / MAX_SCAN_SHARE };
    return memoryBytes;
  }

  #killLargest(sizes: readonly { process: ProcessStat; bytes: number }[], tooManyBytes: number): number {
    let left = tooManyBytes;
    let killed = 0;
    // The first two are the sandbox's own init and its agent.
    for (const { process, bytes } of sizes.slice(2).sort((a, b) => b.bytes - a.bytes)) {
      if (left <= 0) break;
      if (!signalProcess(process, 'SIGKILL')) continue;
      this.#killed.set(process.pid, process.startTicks);
      left -= bytes;
      killed += 1;
    }
    return killed;
  }
}
