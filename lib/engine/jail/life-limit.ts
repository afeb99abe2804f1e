/** A process's deadline. Time that its sandbox stands still does not count. */
export class LifeLimit {
  #leftMs: number;
  readonly #expire: () => void;
  #timer: NodeJS.Timeout | undefined;
  #armedAtMs = 0;

  /** @param leftMs how long it may still run */
  constructor(leftMs: number, expire: () => void) {
    this.#leftMs = leftMs;
    this.#expire = expire;
    this.go();
  }

  hold(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#armedAtMs;
  }

  go(): void {
    if (this.#timer) return;
    this.#armedAtMs = performance.now();
    // Longer than a timer can be: in the end the sandbox's own deadline comes first.
    this.#timer = setTimeout(this.#expire, Math.min(Math.max(0, this.#leftMs), 2 ** 31 - 1));
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
