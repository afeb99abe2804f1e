type Options = {
  /** Does the pending work and returns the delay until the next call, ms. */
  work: () => Promise<number>;
  /** Logged with the error when `work` fails. */
  failureMessage: string;
};

const RETRY_MS = 1_000;

/** Calls `work` repeatedly and never twice at the same time: after the delay it returned, or at once when poked. */
export class WorkLoop {
  readonly #options: Options;
  #running: Promise<void> | null = null;
  #isPoked = false;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #isFailing = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Calls `work` now, or once more after the call that is running. */
  readonly poke = (): void => {
    this.#isPoked = true;
    if (this.#running || this.#isClosed) return;
    this.#running = this.#workWhilePoked().finally(() => {
      this.#running = null;
      if (this.#isPoked) this.poke();
    });
  };

  /** Stops the loop and waits for the call that is running. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  async #workWhilePoked(): Promise<void> {
    while (this.#isPoked && !this.#isClosed) {
      this.#isPoked = false;
      try {
        this.#pokeIn(await this.#options.work());
        this.#isFailing = false;
      } catch (error) {
        // Logged once, not on every retry.
        if (!this.#isFailing && !this.#isClosed) console.error(this.#options.failureMessage, error);
        this.#isFailing = true;
        this.#pokeIn(RETRY_MS);
      }
    }
  }

  #pokeIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(this.poke, ms);
    this.#timer.unref();
  }
}
