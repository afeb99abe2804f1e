import 'server-only';
import type { ConsoleInfo } from './schema';

type Options = {
  now: () => number;
  /** The longest time without activity, ms. */
  idleMs: number;
  /** The longest lifetime, ms. */
  maxMs: number;
};

/** The end is announced this long in advance, ms. */
const NOTICE_MS = 2 * 60_000;

/** When a console has to end because it is idle or old. */
export class TimeLimits {
  readonly #options: Options;
  readonly #openedAtMs: number;
  #activeAtMs: number;

  constructor(options: Options) {
    this.#options = options;
    this.#openedAtMs = this.#activeAtMs = options.now();
  }

  /** Restarts the idle timeout. */
  recordActivity(): void {
    this.#activeAtMs = this.#options.now();
  }

  /** The end, if it is near or has passed. */
  endsSoon(): ConsoleInfo['endsSoon'] {
    const { idleMs, maxMs, now } = this.#options;
    const idleAtMs = this.#activeAtMs + idleMs;
    const maxAtMs = this.#openedAtMs + maxMs;
    const soon =
      idleAtMs < maxAtMs
        ? ({ atMs: idleAtMs, why: 'idle' } as const)
        : ({ atMs: maxAtMs, why: 'too_long' } as const);
    return soon.atMs - now() <= NOTICE_MS ? soon : null;
  }
}
