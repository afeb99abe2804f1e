import 'server-only';
import { type ConsoleInput, INPUT_WINDOW_BYTES } from './protocol';
import type { ViewerDoor } from './viewer';

/** An input is taken without asking for its session again for this long, ms. */
const CHECKED_FOR_MS = 1_000;
/** What waits for the answer beyond this is refused: more than a tab of ours has under way. */
const MAX_WAITING_BYTES = 2 * INPUT_WINDOW_BYTES;
/** However little there is in it, a piece takes its place. */
const PIECE_BYTES = 64;

/** Input of one tab, in its order, each piece let through only while its session is known to hold. */
export class CheckedInput {
  readonly #door: Pick<ViewerDoor, 'recheck'>;
  readonly #now: () => number;
  readonly #take: (input: ConsoleInput) => void;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #isChecking = false;
  #waiting: ConsoleInput[] = [];
  #waitingBytes = 0;

  constructor(door: Pick<ViewerDoor, 'recheck'>, now: () => number, take: (input: ConsoleInput) => void) {
    this.#door = door;
    this.#now = now;
    this.#take = take;
  }

  /** False when there is no room. */
  add(input: ConsoleInput): boolean {
    const isFresh = this.#now() - this.#checkedAtMs < CHECKED_FOR_MS;
    if (isFresh && !this.#isChecking) {
      this.#take(input);
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
    const isValid = await this.#door.recheck();
    this.#isChecking = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!isValid) return;
    this.#checkedAtMs = this.#now();
    for (const input of waiting) this.#take(input);
  }
}
