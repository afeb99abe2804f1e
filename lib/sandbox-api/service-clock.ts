import 'server-only';

/** A `Date` header has whole seconds, and an answer takes time, so smaller differences mean nothing. */
const MIN_SKEW_MS = 2_000;
const MAX_SAMPLES = 15;

/**
 * Measures how far the service's clock is ahead of ours from the `Date` headers of its answers. The service's times, such as
 * starts and deadlines, are on its clock: compare them with `nowMs`.
 */
export class ServiceClock {
  readonly #samples: number[] = [];
  #aheadMs = 0;

  /** Whole seconds; negative if the service is behind, 0 if the two agree. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** The current time on the service's clock, epoch ms. */
  nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Takes the `Date` header of an answer whose request was sent and answered at these times, epoch ms. */
  observe(date: string | null, sentAtMs: number, answeredAtMs: number): void {
    const dateMs = Date.parse(date ?? '');
    if (Number.isNaN(dateMs)) return;
    this.#samples.push(dateMs + 500 - (sentAtMs + answeredAtMs) / 2);
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    // Holds its value while the measurement only wobbles.
    if (Math.abs(median - this.#aheadMs) < MIN_SKEW_MS) return;
    this.#aheadMs = Math.abs(median) < MIN_SKEW_MS ? 0 : Math.round(median / 1_000) * 1_000;
  }
}
