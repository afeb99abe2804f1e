import 'server-only';
import { SandkeeperError } from '../errors';
import { limitKeyOf } from '../http/client-address';

const INITIAL_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
const RESET_AFTER_MS = 10 * 60 * 1000;
/** Answers that are held back at a time, for one address and in all. */
const MAX_HELD_PER_ADDRESS = 4;
const MAX_HELD = 200;
const MAX_ADDRESSES = 10_000;

type Guesser = { failures: number; held: number; lastFailureAtMs: number };

/**
 * Slows down guessing, per address. The right token is accepted at once, whatever anybody has tried before: guesses must not
 * lock people out. Each wrong one doubles the delay of the next answer to its address, up to 8 s. Beyond a few held
 * answers, wrong attempts fail at once with `rate_limited` and the time to wait.
 */
export class SignInThrottle {
  /** By the key of the address, the longest unused first. */
  readonly #guessers = new Map<string, Guesser>();
  #held = 0;

  /** Returns the result of `attempt`, which must take constant time: at once if it is true, delayed if it is false. */
  async run(address: string, attempt: () => boolean): Promise<boolean> {
    const key = limitKeyOf(address);
    if (attempt()) {
      this.#guessers.delete(key);
      return true;
    }
    const guesser = this.#guesserAt(key);
    const delayMs = Math.min(INITIAL_DELAY_MS * 2 ** guesser.failures, MAX_DELAY_MS);
    guesser.failures += 1;
    guesser.lastFailureAtMs = Date.now();
    if (guesser.held >= MAX_HELD_PER_ADDRESS || this.#held >= MAX_HELD) {
      throw new SandkeeperError(
        'rate_limited',
        `This token is not valid, and there were many wrong ones from your address. Wait ${Math.ceil(delayMs / 1000)} seconds before you try another.`,
        { retryAfterMs: delayMs },
      );
    }
    guesser.held += 1;
    this.#held += 1;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    guesser.held -= 1;
    this.#held -= 1;
    return false;
  }

  #guesserAt(key: string): Guesser {
    const known = this.#guessers.get(key);
    const isRecent = known !== undefined && Date.now() - known.lastFailureAtMs <= RESET_AFTER_MS;
    const guesser = isRecent ? known : { failures: 0, held: known?.held ?? 0, lastFailureAtMs: 0 };
    this.#guessers.delete(key);
    this.#guessers.set(key, guesser);
    for (const oldest of this.#guessers.keys()) {
      if (this.#guessers.size <= MAX_ADDRESSES) break;
      this.#guessers.delete(oldest);
    }
    return guesser;
  }
}
