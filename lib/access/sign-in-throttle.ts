import 'server-only';
import { SandkeeperError } from '../errors';

const INITIAL_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
const RESET_AFTER_MS = 10 * 60 * 1000;
const MAX_QUEUED = 20;

/**
 * Slows down guessing. Wrong attempts are answered one at a time, and each doubles the delay of the next, up to 8 s. A
 * right attempt is answered at once. While the queue is full, every attempt fails with `rate_limited` without being
 * checked, which bounds the number of guesses.
 */
export class SignInThrottle {
  #failures = 0;
  #lastFailureAtMs = 0;
  #queued = 0;
  #queue: Promise<void> = Promise.resolve();

  /** Returns the result of `attempt`: at once if it is true, delayed if it is false. */
  async run(attempt: () => boolean): Promise<boolean> {
    if (this.#queued >= MAX_QUEUED) {
      throw new SandkeeperError(
        'rate_limited',
        'Too many sign-in attempts at once. Wait a moment, then try again.',
        {
          retryAfterMs: MAX_DELAY_MS,
        },
      );
    }
    if (attempt()) {
      this.#failures = 0;
      return true;
    }
    this.#queued += 1;
    const delayed = this.#queue.then(() => this.#delay());
    this.#queue = delayed;
    await delayed;
    this.#queued -= 1;
    return false;
  }

  async #delay(): Promise<void> {
    if (Date.now() - this.#lastFailureAtMs > RESET_AFTER_MS) this.#failures = 0;
    const delayMs = Math.min(INITIAL_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures += 1;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    this.#lastFailureAtMs = Date.now();
  }
}
