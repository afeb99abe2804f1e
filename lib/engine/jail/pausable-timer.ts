export class PausableTimer {
  readonly #expire: () => void;
  #leftMs: number;
  #timer: NodeJS.Timeout | undefined;
  #armedAtMs = 0;

  constructor(leftMs: number, expire: () => void) {
    this.#leftMs = leftMs;
    this.#expire = expire;
    this.resume();
  }

  pause(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#armedAtMs;
  }

  resume(): void {
    if (this.#timer) return;
    this.#armedAtMs = performance.now();
    // Capped at setTimeout's maximum of 24.8 days. A sandbox ends before that.
    this.#timer = setTimeout(this.#expire, Math.min(Math.max(0, this.#leftMs), 2 ** 31 - 1));
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
