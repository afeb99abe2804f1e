/** Calls `onLimit` once it has run for a time. The time of pauses does not count. Starts at once. */
export class LimitTimer {
  readonly #limitMs: number;
  readonly #onLimit: () => void;
  #usedMs = 0;
  #sinceMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(limitMs: number, onLimit: () => void) {
    this.#limitMs = limitMs;
    this.#onLimit = onLimit;
    this.resume();
  }

  /** The time that it has run, ms. */
  get usedMs(): number {
    return this.#usedMs + (this.#sinceMs === null ? 0 : performance.now() - this.#sinceMs);
  }

  pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#usedMs = this.usedMs;
    this.#sinceMs = null;
  }

  resume(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = performance.now();
    this.#timer = setTimeout(this.#onLimit, Math.max(0, this.#limitMs - this.#usedMs));
  }
}
