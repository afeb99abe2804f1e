import 'server-only';
import { RateLimiter, type Slot } from '../operations/step/rate-limiter';

/** Commands that start at the same time. */
const MAX_STARTING = 16;
/** Commands that run at the same time. */
const MAX_RUNNING = 128;
/** A command that takes longer to start no longer occupies a start slot. */
const SLOW_AFTER_MS = 1_000;
/** Longer than any command can take. */
const NEVER_MS = 2 ** 31 - 1;

/** Permission to run one command. */
export type CommandSlot = {
  /** Call when it runs, so that the next can start. */
  started: () => void;
  /** Call exactly once, when it has ended or could not be started. */
  release: Slot['release'];
};

/** Slots for commands. Separate from the rate limiter of other actions, which commands must not slow down. */
export class CommandSlots {
  readonly #starts: RateLimiter;
  readonly #room = new RateLimiter({ ceiling: MAX_RUNNING, firstLimit: MAX_RUNNING, slowAfterMs: NEVER_MS });

  constructor(ceiling: number) {
    this.#starts = new RateLimiter({ ceiling: Math.min(MAX_STARTING, ceiling), slowAfterMs: SLOW_AFTER_MS });
  }

  /** Waits for a slot. Throws the signal's reason if it is aborted first. */
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
