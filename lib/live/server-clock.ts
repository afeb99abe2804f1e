const KEPT = 32;

/**
 * The server's clock as a browser can know it. What the server says carries the moment it was said; it arrives later, so
 * the shortest of the latest journeys is nearest to how far the two clocks are apart. Times in epoch ms.
 */
export class ServerClock {
  readonly #journeysMs: number[] = [];
  #aheadMs = 0;

  /** Takes note that something said at `saidAtMs` by the server's clock was heard at `heardAtMs` by this one's. */
  observe(saidAtMs: number, heardAtMs: number): void {
    this.#journeysMs.push(heardAtMs - saidAtMs);
    if (this.#journeysMs.length > KEPT) this.#journeysMs.shift();
    this.#aheadMs = Math.min(...this.#journeysMs);
  }

  /** What the server's clock shows while this one shows `browserMs`. Until something was heard, the same. */
  at(browserMs: number): number {
    return browserMs - this.#aheadMs;
  }
}
