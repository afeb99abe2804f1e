type Options = {
  /** Does what is to be done now, and answers after how long to look again, ms. */
  turn: () => Promise<number>;
  /** What cannot be done while turns fail, for the log. */
  doing: string;
};

const RETRY_MS = 1_000;

/** Work that is done in turns: one at a time, again after a while, and at once when somebody pokes. */
export class WorkLoop {
  readonly #options: Options;
  #turning: Promise<void> | null = null;
  #isPoked = false;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #isTroubled = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes a turn now, or once more after the one that is under way. */
  readonly poke = (): void => {
    this.#isPoked = true;
    if (this.#turning || this.#isClosed) return;
    this.#turning = this.#turnWhilePoked().finally(() => {
      this.#turning = null;
      if (this.#isPoked) this.poke();
    });
  };

  /** Takes no more turns, and waits for the one under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#turning;
  }

  async #turnWhilePoked(): Promise<void> {
    while (this.#isPoked && !this.#isClosed) {
      this.#isPoked = false;
      try {
        this.#pokeIn(await this.#options.turn());
        this.#isTroubled = false;
      } catch (error) {
        // Said once: what is wrong now is wrong every second.
        if (!this.#isTroubled && !this.#isClosed) console.error(this.#options.doing, error);
        this.#isTroubled = true;
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
