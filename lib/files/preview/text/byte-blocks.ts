export const BLOCK_BYTES = 64 * 1024;
const MAX_BLOCKS = 64;

type Read = (start: number, end: number) => Promise<Uint8Array>;

/** A cache of the recently viewed blocks of a file. */
export class ByteBlocks {
  /** Called with a failure, or `null` when bytes have arrived. */
  readonly #onChange: (failure: unknown) => void;
  /** Most recently used last. */
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #requested = new Set<number>();
  #read: Read;
  #generation = 0;

  constructor(read: Read, onChange: (failure: unknown) => void) {
    this.#onChange = onChange;
    this.#read = read;
  }

  /** Returns `null` and starts a fetch if the block is not loaded. */
  get(block: number): Uint8Array | null {
    const held = this.#blocks.get(block);
    if (held !== undefined) {
      this.#blocks.delete(block);
      this.#blocks.set(block, held);
      return held;
    }
    if (!this.#requested.has(block)) void this.#fetch(block);
    return null;
  }

  /** Up to `count` bytes from `offset` within one block, or `null` if not loaded. */
  slice(offset: number, count: number): Uint8Array | null {
    const block = Math.floor(offset / BLOCK_BYTES);
    const bytes = this.get(block);
    return bytes?.subarray(offset - block * BLOCK_BYTES, offset - block * BLOCK_BYTES + count) ?? null;
  }

  /** Rereads after a change. The visible blocks stay until they are replaced. */
  async renew(read: Read): Promise<void> {
    this.#read = read;
    this.#generation += 1;
    this.#requested.clear();
    // The visible blocks are the most recently used.
    const visible = [...this.#blocks.keys()].slice(-2);
    for (const block of [...this.#blocks.keys()]) if (!visible.includes(block)) this.#blocks.delete(block);
    await Promise.all(visible.map((block) => this.#fetch(block)));
  }

  /** Reads the visible blocks again, and allows other failed blocks to be fetched. */
  retry(): void {
    void this.renew(this.#read);
    this.#onChange(null);
  }

  async #fetch(block: number): Promise<void> {
    const generation = this.#generation;
    this.#requested.add(block);
    try {
      const bytes = await this.#read(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
      if (generation !== this.#generation) return;
      this.#requested.delete(block);
      this.#blocks.set(block, bytes);
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= MAX_BLOCKS) break;
        this.#blocks.delete(oldest);
      }
      this.#onChange(null);
    } catch (thrown) {
      // The block stays in #requested, or every render would retry it.
      if (generation === this.#generation) this.#onChange(thrown);
    }
  }
}
