import 'server-only';
import { RateLimiter, type Slot } from '../operations/step/rate-limiter';

/** So many are started at once, at most. */
const MAX_STARTING = 16;
/** So many run at once, at most: the rest waits until one has ended. */
const MAX_RUNNING = 128;
/** One that takes longer to start no longer keeps others from being started. */
const SLOW_AFTER_MS = 1_000;
/** Longer than any command may take. */
const NEVER_MS = 2 ** 31 - 1;

/** The right to run one command. */
export type CommandSlot = {
  /** It runs: the next may be started. */
  started: () => void;
  /** It is over, or could not be started. Call it exactly once. */
  release: Slot['release'];
};

/** Whose turn it is to start a command; apart from the pace of other acts, which no command slows down. */
export class CommandSlots {
  readonly #starts: RateLimiter;
  readonly #room = new RateLimiter({ ceiling: MAX_RUNNING, firstLimit: MAX_RUNNING, slowAfterMs: NEVER_MS });

  constructor(ceiling: number) {
    this.#starts = new RateLimiter({ ceiling: Math.min(MAX_STARTING, ceiling), slowAfterMs: SLOW_AFTER_MS });
  }

  /** Waits for the turn of `lane`. Throws the signal's reason when that comes first. */
  async take(lane: string, signal: AbortSignal): Promise<CommandSlot> {
    const room = await this.#room.take(lane, signal);
    try {
      const start = await this.#starts.take(lane, signal);
      return {
        started: () => start.release('fine'),
        release: (verdict, retryAfterMs) => {
          start.release(verdict, retryAfterMs);
          room.release('failed');
        },
      };
    } catch (thrown) {
      room.release('failed');
      throw thrown;
    }
  }
}
