import 'server-only';

type Options = {
  /** Reads the whole list. Never rejects. */
  read: (beganAtMs: number) => Promise<void>;
  /** The pause after a reading, ms. */
  pauseAfter: (tookMs: number) => number;
  /** How to read some pages during the pause, every `betweenMs`; `null` if there are none to read. Never rejects. */
  between: () => (() => Promise<unknown>) | null;
  betweenMs: number;
  isNeeded: () => boolean;
  /** The pause while nobody needs the list, ms. `null`: it is not read then. */
  idlePauseMs: number | null;
  /** Counts as needed for so long after its last use, ms. */
  lingerMs: number;
};

/** When a list is read: again and again while it is needed, seldom or not at all while it is not. */
export class ReadingLoop {
  readonly #options: Options;
  #running: Promise<void> | null = null;
  #neededUntilMs = 0;
  #wake: (() => void) | null = null;
  #isRefreshing = false;
  #isIdle = false;
  #isClosed = false;
  /** The next reading since the list was last not needed. */
  #first = deferred();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Reads from now on, although nobody may need it. */
  start(): void {
    if (this.#running || this.#isClosed) return;
    this.#first = deferred();
    this.#running = this.#run().finally(() => {
      this.#running = null;
      // It may be needed again since the loop checked.
      if (this.#isNeeded()) this.need();
    });
  }

  /** The list is needed now. */
  need(): void {
    this.linger();
    this.start();
    if (!this.#isIdle) return;
    this.#isIdle = false;
    this.#first = deferred();
    this.wake();
  }

  /** Keeps reading for a while, so that the list is fresh when it is needed again. */
  linger(): void {
    this.#neededUntilMs = Date.now() + this.#options.lingerMs;
  }

  /** Resolves after the first reading, or after `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    this.need();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#first.promise, timeout]);
    clearTimeout(timer);
  }

  /** Ends the pause. */
  wake(): void {
    this.#wake?.();
  }

  /** Reads again at once, or after the reading under way. */
  refresh(): void {
    this.#isRefreshing = true;
    this.wake();
  }

  /** Ends for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#running;
  }

  #isNeeded(): boolean {
    return !this.#isClosed && (this.#options.isNeeded() || Date.now() < this.#neededUntilMs);
  }

  async #run(): Promise<void> {
    const { read, pauseAfter, idlePauseMs } = this.#options;
    while (!this.#isClosed && (this.#isNeeded() || idlePauseMs !== null)) {
      const beganAtMs = Date.now();
      const first = this.#first;
      this.#isRefreshing = false;
      await read(beganAtMs);
      first.resolve();
      if (this.#isNeeded()) await this.#rest(pauseAfter(Date.now() - beganAtMs));
      if (this.#isNeeded() || idlePauseMs === null) continue;
      this.#isIdle = true;
      await this.#pause(idlePauseMs);
      this.#isIdle = false;
    }
  }

  /** Pauses, and reads some pages meanwhile. Ends early when it is woken or no longer needed. */
  async #rest(ms: number): Promise<void> {
    const { between, betweenMs } = this.#options;
    const endsAtMs = Date.now() + ms;
    for (let leftMs = ms; ; leftMs = endsAtMs - Date.now()) {
      const readPages = between();
      const isWoken = await this.#pause(readPages === null ? leftMs : Math.min(leftMs, betweenMs));
      if (isWoken || !this.#isNeeded() || Date.now() >= endsAtMs) return;
      await readPages?.();
    }
  }

  /** Resolves to whether it was woken early. */
  #pause(ms: number): Promise<boolean> {
    if (this.#isRefreshing || this.#isClosed) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isWoken: boolean) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(isWoken);
      };
      const timer = setTimeout(end, ms, false);
      this.#wake = () => end(true);
    });
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
