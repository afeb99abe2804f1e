import type { ConnectionName } from '../sandbox-key';

const MAX_DELAYS = 32;
/** A larger delay, twice in a row, means that a clock was set. */
const JUMP_MS = 5_000;

/**
 * Estimates the server's clock from the send times of its messages. The message with the shortest apparent delay gives
 * the best estimate of the offset between the two clocks. Times in epoch ms.
 */
export class ServerClock {
  readonly #serviceAheadMs = new Map<ConnectionName, number>();
  #delaysMs: number[] = [];
  #lateInRow = 0;
  #aheadMs = 0;

  /** Records a message that was sent at `sentAtMs` (server's clock) and received at `receivedAtMs` (browser's clock). */
  observe(sentAtMs: number, receivedAtMs: number): void {
    const delayMs = receivedAtMs - sentAtMs;
    this.#lateInRow = delayMs - this.#aheadMs > JUMP_MS ? this.#lateInRow + 1 : 0;
    if (this.#lateInRow > 1) this.#delaysMs = [];
    this.#delaysMs.push(delayMs);
    if (this.#delaysMs.length > MAX_DELAYS) this.#delaysMs.shift();
    this.#aheadMs = Math.min(...this.#delaysMs);
  }

  /** The server's time when the browser's clock shows `browserMs`. The same time before the first observation. */
  at(browserMs: number): number {
    return browserMs - this.#aheadMs;
  }

  /** Records how far the clock of a connection's service is ahead of the server's, ms. */
  observeService(connection: ConnectionName, aheadMs: number): void {
    this.#serviceAheadMs.set(connection, aheadMs);
  }

  /** Like `observeService`, from a page that may have been rendered before the last observation. */
  assumeService(connection: ConnectionName, aheadMs: number): void {
    if (!this.#serviceAheadMs.has(connection)) this.#serviceAheadMs.set(connection, aheadMs);
  }

  /** How far the clock of a connection's service is ahead of the server's, ms. `assumedMs` before the first observation. */
  serviceAheadMs(connection: ConnectionName, assumedMs = 0): number {
    return this.#serviceAheadMs.get(connection) ?? assumedMs;
  }

  /** The time of a connection's service, which the starts and deadlines of its sandboxes are in. */
  serviceAt(connection: ConnectionName, browserMs: number): number {
    return this.at(browserMs) + this.serviceAheadMs(connection);
  }
}

/** The clock that everything in this tab is compared with. On the server it is the server's own. */
export const tabClock = new ServerClock();
