import { performance } from 'node:perf_hooks';

/** A sandbox may not use more disk. */
export class QuotaError extends Error {
  override name = 'QuotaError';
}

/** How long a measurement is believed at least. */
const FRESH_MS = 5_000;
/** A measurement is believed this many times as long as it took, so that measuring never becomes the work itself. */
const FRESH_PER_COST = 20;

/**
 * Keeps one sandbox's uploads within its quota: the use as measured, and what uploads have added since. Processes write
 * without asking, so the bound is as sharp as the measurement is fresh; uploads at the same time share one account.
 */
export class DiskAccount {
  readonly #measure: () => Promise<number>;
  readonly #quotaBytes: number;
  #measuredBytes = 0;
  #takenBytes = 0;
  #staleAtMs = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | null = null;

  constructor(measure: () => Promise<number>, quotaBytes: number) {
    this.#measure = measure;
    this.#quotaBytes = quotaBytes;
  }

  /** Resolves when the use is known well enough to upload by. */
  async ready(): Promise<void> {
    if (performance.now() >= this.#staleAtMs) await this.#remeasure();
  }

  /** Uses `sizeBytes` more. @throws QuotaError when that is too much */
  take(sizeBytes: number): void {
    if (this.#measuredBytes + this.#takenBytes + sizeBytes > this.#quotaBytes) {
      throw new QuotaError(`not enough disk space: the sandbox may use ${this.#quotaBytes} bytes`);
    }
    this.#takenBytes += sizeBytes;
    // Long uploads keep looking at what the sandbox does meanwhile; a failure shows in `ready` of the next one.
    if (performance.now() >= this.#staleAtMs) this.#remeasure().catch(() => {});
  }

  /** Bytes that a file held before it was emptied. */
  giveBack(sizeBytes: number): void {
    this.#takenBytes -= sizeBytes;
  }

  #remeasure(): Promise<void> {
    this.#measuring ??= this.#measureNow().finally(() => {
      this.#measuring = null;
    });
    return this.#measuring;
  }

  async #measureNow(): Promise<void> {
    const startedMs = performance.now();
    const takenBefore = this.#takenBytes;
    this.#measuredBytes = await this.#measure();
    // What was written meanwhile may have been seen or not: counted twice is the safe side.
    this.#takenBytes -= takenBefore;
    const endedMs = performance.now();
    this.#staleAtMs = endedMs + Math.max(FRESH_MS, (endedMs - startedMs) * FRESH_PER_COST);
  }
}
