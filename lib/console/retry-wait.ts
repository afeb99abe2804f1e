import 'server-only';

/** The delays between attempts to reconnect, ms. */
export const RETRY_AFTER_MS = [300, 1_000, 2_000, 5_000, 10_000, 10_000, 20_000, 30_000] as const;
/** A connection that lasted this long resets the delays, ms. */
export const STABLE_AFTER_MS = 10_000;
/** The longest delay that `setTimeout` accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A wait that can be cut short. */
export class RetryWait {
  #end: () => void = () => {};

  /** Waits, `null` for as long as possible. Resolves to true if it was cut short. */
  wait(ms: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms ?? MAX_TIMER_MS).unref();
      this.#end = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  cutShort(): void {
    this.#end();
  }
}
