import 'server-only';
import { type ConsoleInput, INPUT_WINDOW_BYTES } from './protocol';
import type { ViewerSocket } from './viewer';

/** A successful check of the session is valid for this long, ms. */
const CHECKED_FOR_MS = 1_000;
/** More than an unmodified tab has under way. */
const MAX_WAITING_BYTES = 2 * INPUT_WINDOW_BYTES;
/** The overhead that is counted for each piece. */
const PIECE_BYTES = 64;

/** Passes on the input of one tab, in order, while its session is valid. */
export class CheckedInput {
  readonly #socket: Pick<ViewerSocket, 'recheck'>;
  readonly #now: () => number;
  readonly #accept: (input: ConsoleInput) => void;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #isChecking = false;
  #waiting: ConsoleInput[] = [];
  #waitingBytes = 0;

  constructor(
    socket: Pick<ViewerSocket, 'recheck'>,
    now: () => number,
    accept: (input: ConsoleInput) => void,
  ) {
    this.#socket = socket;
    this.#now = now;
    this.#accept = accept;
  }

  /** Returns false if too much is waiting. */
  add(input: ConsoleInput): boolean {
    const isFresh = this.#now() - this.#checkedAtMs < CHECKED_FOR_MS;
    if (isFresh && !this.#isChecking) {
      this.#accept(input);
      return true;
    }
    const size = PIECE_BYTES + input.bytes.length;
    if (this.#waitingBytes + size > MAX_WAITING_BYTES) return false;
    this.#waiting.push(input);
    this.#waitingBytes += size;
    if (!this.#isChecking) void this.#check();
    return true;
  }

  async #check(): Promise<void> {
    this.#isChecking = true;
    const isValid = await this.#socket.recheck();
    this.#isChecking = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!isValid) return;
    this.#checkedAtMs = this.#now();
    for (const input of waiting) this.#accept(input);
  }
}
