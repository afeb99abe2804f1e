/** A folder up to this size is read whole when something in it changes. */
const SMALL_FOLDER = 2_000;
/** In a larger one, up to so many names are looked at one by one. */
const FEW_NAMES = 16;
const SHORTEST_PAUSE_MS = 300;
/** Reading takes at most this part of the time. */
const PAUSE_PER_MS_READ = 3;

type Ways = {
  /** How many entries the folder had when it was read last. */
  count: () => number;
  /** Reads all of it again. */
  reread: () => Promise<void>;
  /** Reads these names again. */
  restat: (names: readonly string[]) => Promise<void>;
};

/** Turns the news of one folder into readings, as few and as fast as its size allows: an agent may write all the time. */
export class FolderRefresher {
  readonly #ways: Ways;
  readonly #names = new Set<string>();
  #wantsAll = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isReading = false;
  #isStopped = false;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** These names have changed; no names: nobody knows which. */
  tell(names: readonly string[]): void {
    if (this.#isStopped) return;
    if (names.length === 0) this.#wantsAll = true;
    for (const name of names) this.#names.add(name);
    if (!this.#isReading && this.#timer === null) void this.#read();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #read(): Promise<void> {
    const names = [...this.#names];
    const readsAll = this.#wantsAll || names.length > FEW_NAMES || this.#ways.count() <= SMALL_FOLDER;
    this.#names.clear();
    this.#wantsAll = false;
    this.#isReading = true;
    const startedMs = performance.now();
    // What went wrong is said where the folder is shown.
    await (readsAll ? this.#ways.reread() : this.#ways.restat(names)).catch(() => {});
    this.#isReading = false;
    if (this.#isStopped) return;
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, (performance.now() - startedMs) * PAUSE_PER_MS_READ);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wantsAll || this.#names.size > 0) void this.#read();
    }, pauseMs);
  }
}
