/** A folder up to this size is reread whole on a change, entries. */
const SMALL_FOLDER = 2_000;
/** In a larger folder, up to this many names are reread one by one. */
const FEW_NAMES = 16;
const MIN_PAUSE_MS = 300;
/** Limits reading to a quarter of the time. */
const PAUSE_PER_MS_READ = 3;

type Reads = {
  /** The number of entries at the last reading. */
  count: () => number;
  reread: () => Promise<void>;
  restat: (names: readonly string[]) => Promise<void>;
};

/** Rereads a folder on changes, throttled by its size, because an agent may write all the time. */
export class FolderRefresher {
  readonly #reads: Reads;
  readonly #names = new Set<string>();
  #wantsAll = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isReading = false;
  #isStopped = false;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** Reports changed names. An empty list means unknown changes. */
  notify(names: readonly string[]): void {
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
    const readsAll = this.#wantsAll || names.length > FEW_NAMES || this.#reads.count() <= SMALL_FOLDER;
    this.#names.clear();
    this.#wantsAll = false;
    this.#isReading = true;
    const startedMs = performance.now();
    // The query of the folder shows the failure.
    await (readsAll ? this.#reads.reread() : this.#reads.restat(names)).catch(() => {});
    this.#isReading = false;
    if (this.#isStopped) return;
    const pauseMs = Math.max(MIN_PAUSE_MS, (performance.now() - startedMs) * PAUSE_PER_MS_READ);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wantsAll || this.#names.size > 0) void this.#read();
    }, pauseMs);
  }
}
