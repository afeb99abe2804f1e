import 'server-only';
import { SandkeeperError } from '../errors';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const FORGET_AFTER_MS = 10 * 60 * 1000;
const MAX_WAITING = 20;

/**
 * Makes guessing slow: wrong attempts stand in one line until they are answered, and each doubles the wait of the next,
 * up to 8 s. A right one need not stand behind them. When too many stand in line, further ones are refused at once with
 * `rate_limited`, right or wrong, so that no more can be tried than the line lets through.
 */
export class SlowDown {
  #failures = 0;
  #lastFailureAtMs = 0;
  #waiting = 0;
  #line: Promise<void> = Promise.resolve();

  /** Answers what `attempt` says, whether it was right: at once when it was, in turn when not. */
  async run(attempt: () => boolean): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING) {
      throw new SandkeeperError(
        'rate_limited',
        'Too many sign-in attempts at once. Wait a moment, then try again.',
        {
          retryAfterMs: LONGEST_WAIT_MS,
        },
      );
    }
    if (attempt()) {
      this.#failures = 0;
      return true;
    }
    this.#waiting += 1;
    const turn = this.#line.then(() => this.#serve());
    this.#line = turn;
    await turn;
    this.#waiting -= 1;
    return false;
  }

  async #serve(): Promise<void> {
    if (Date.now() - this.#lastFailureAtMs > FORGET_AFTER_MS) this.#failures = 0;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#failures += 1;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#lastFailureAtMs = Date.now();
  }
}
