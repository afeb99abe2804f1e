/** How much is read at once where bytes are looked at. */
export const BLOCK_BYTES = 64 * 1024;
const MAX_BLOCKS = 64;

type Read = (start: number, end: number) => Promise<Uint8Array>;

/** The bytes of a file as far as they have been looked at lately: a few blocks of it, however large it is. */
export class ByteBlocks {
  /** Bytes have come, or could not be had. */
  readonly #onNews: (failure: unknown) => void;
  /** The latest last. */
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #asked = new Set<number>();
  #read: Read;
  #generation = 0;

  constructor(read: Read, onNews: (failure: unknown) => void) {
    this.#onNews = onNews;
    this.#read = read;
  }

  /** The bytes of a block; `null` while they are being fetched. */
  get(block: number): Uint8Array | null {
    const held = this.#blocks.get(block);
    if (held !== undefined) {
      this.#blocks.delete(block);
      this.#blocks.set(block, held);
      return held;
    }
    if (!this.#asked.has(block)) void this.#fetch(block);
    return null;
  }

  /** Up to `count` bytes from `offset`, as far as they are here. */
  slice(offset: number, count: number): Uint8Array | null {
    const block = Math.floor(offset / BLOCK_BYTES);
    const bytes = this.get(block);
    return bytes?.subarray(offset - block * BLOCK_BYTES, offset - block * BLOCK_BYTES + count) ?? null;
  }

  /** The file has changed: what is here stays in sight until it has been read again. */
  async renew(read: Read): Promise<void> {
    this.#read = read;
    this.#generation += 1;
    this.#asked.clear();
    // What is looked at stands last.
    const seen = [...this.#blocks.keys()].slice(-2);
    for (const block of [...this.#blocks.keys()]) if (!seen.includes(block)) this.#blocks.delete(block);
    await Promise.all(seen.map((block) => this.#fetch(block)));
  }

  /** Asks again for what could not be had. */
  retry(): void {
    this.#asked.clear();
    this.#onNews(null);
  }

  async #fetch(block: number): Promise<void> {
    const generation = this.#generation;
    this.#asked.add(block);
    try {
      const bytes = await this.#read(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
      if (generation !== this.#generation) return;
      this.#asked.delete(block);
      this.#blocks.set(block, bytes);
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= MAX_BLOCKS) break;
        this.#blocks.delete(oldest);
      }
      this.#onNews(null);
    } catch (thrown) {
      // It stays asked for, so that it is not asked for all the time.
      if (generation === this.#generation) this.#onNews(thrown);
    }
  }
}
