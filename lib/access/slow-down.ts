import 'server-only';
import { SandkeeperError } from '../errors';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const FORGET_AFTER_MS = 10 * 60 * 1000;
const MOST_WAITING = 20;

/**
 * Makes guessing slow: attempts stand in one line, and each wrong one doubles the wait of those behind it, up to 8 s.
 * When too many stand in line, further ones are refused at once with `rate_limited`.
 */
export class SlowDown {
  #failures = 0;
  #lastFailureAtMs = 0;
  #waiting = 0;
  #line: Promise<void> = Promise.resolve();

  /** Runs `attempt` in turn; it answers whether it was right. */
  async run(attempt: () => boolean): Promise<boolean> {
    if (this.#waiting >= MOST_WAITING) {
      throw new SandkeeperError(
        'rate_limited',
        'Too many sign-in attempts at once. Wait a moment, then try again.',
        {
          retryAfterMs: LONGEST_WAIT_MS,
        },
      );
    }
    this.#waiting += 1;
    const turn = this.#line.then(() => this.#attempt(attempt));
    this.#line = turn.then(noop, noop);
    return turn.finally(() => {
      this.#waiting -= 1;
    });
  }

  async #attempt(attempt: () => boolean): Promise<boolean> {
    if (attempt()) {
      // The right token must not have to wait behind a guesser's penalty.
      this.#failures = 0;
      return true;
    }
    if (Date.now() - this.#lastFailureAtMs > FORGET_AFTER_MS) this.#failures = 0;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#failures += 1;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#lastFailureAtMs = Date.now();
    return false;
  }
}

function noop(): void {}
