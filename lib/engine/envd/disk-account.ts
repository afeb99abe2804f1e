import { performance } from 'node:perf_hooks';

export class QuotaError extends Error {
  override name = 'QuotaError';
}

const MIN_FRESH_MS = 5_000;
/** Time before the next measurement, relative to the duration of the last one. Keeps measuring cheap. */
const FRESH_PER_COST = 20;

/**
 * Limits the uploads of a sandbox to its quota, counting the measured usage and all uploads since. Processes write
 * without a check. The limit is therefore only as exact as the last measurement.
 */
export class DiskAccount {
  readonly #measure: () => Promise<number>;
  readonly #quotaBytes: number;
  #measuredBytes = 0;
  #uploadedBytes = 0;
  #staleAtMs = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | null = null;

  constructor(measure: () => Promise<number>, quotaBytes: number) {
    this.#measure = measure;
    this.#quotaBytes = quotaBytes;
  }

  /** Measures the usage if the last measurement is outdated. */
  async ready(): Promise<void> {
    if (performance.now() >= this.#staleAtMs) await this.#remeasure();
  }

  /** Counts `sizeBytes` more. @throws QuotaError beyond the quota */
  take(sizeBytes: number): void {
    if (this.#measuredBytes + this.#uploadedBytes + sizeBytes > this.#quotaBytes) {
      throw new QuotaError(`not enough disk space: the limit of the sandbox is ${this.#quotaBytes} bytes`);
    }
    this.#uploadedBytes += sizeBytes;
    // Long uploads measure again as well. A failure surfaces in the next `ready`.
    if (performance.now() >= this.#staleAtMs) this.#remeasure().catch(() => {});
  }

  /** Subtracts the size of a file that was truncated. */
  release(sizeBytes: number): void {
    this.#uploadedBytes -= sizeBytes;
  }

  #remeasure(): Promise<void> {
    this.#measuring ??= this.#measureNow().finally(() => {
      this.#measuring = null;
    });
    return this.#measuring;
  }

  async #measureNow(): Promise<void> {
    const startedMs = performance.now();
    const uploadedBefore = this.#uploadedBytes;
    this.#measuredBytes = await this.#measure();
    // The measurement may include later uploads. Counting those twice is safe.
    this.#uploadedBytes -= uploadedBefore;
    const endedMs = performance.now();
    this.#staleAtMs = endedMs + Math.max(MIN_FRESH_MS, (endedMs - startedMs) * FRESH_PER_COST);
  }
}
