const BLOCK_BYTES = 64 * 1024;
/** How far beyond its size the ring grows before it is cut, so that it is not cut for every byte. */
const SLACK_BYTES = 2 * BLOCK_BYTES;
/** A line longer than this is cut through. */
const MAX_LINE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * The latest output of a terminal as bytes, each known by its offset from the first there ever was. What is too old is
 * cut off at the end of a line, so that a replay does not begin in the middle of one.
 */
export class OutputRing {
  readonly #mostBytes: number;
  readonly #onDrop: (bytes: Uint8Array) => void;
  /** All full but the last. The first starts at `#base`. */
  readonly #blocks: { bytes: Buffer; used: number }[] = [];
  #base = 0;
  #start = 0;
  #end = 0;

  /** Keeps about `mostBytes`. `onDrop` is handed, in order, every byte that is cut off. */
  constructor(mostBytes: number, onDrop: (bytes: Uint8Array) => void = () => {}) {
    this.#mostBytes = mostBytes;
    this.#onDrop = onDrop;
  }

  /** Offset of the first byte that is held. */
  get start(): number {
    return this.#start;
  }

  /** Offset behind the last byte: how many there ever were. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const block = this.#openBlock();
      const taken = bytes.subarray(at, at + block.bytes.length - block.used);
      block.bytes.set(taken, block.used);
      block.used += taken.length;
      at += taken.length;
      this.#end += taken.length;
      // Within a long append, too: what is held is bounded at every moment.
      if (this.#end - this.#start > this.#mostBytes + SLACK_BYTES) this.#cut();
    }
  }

  /** At most `most` bytes from `offset`, which must be held; fewer do not mean that there are no more. Not to be written to. */
  read(offset: number, most: number): Uint8Array {
    if (offset < this.#start || offset > this.#end) throw new RangeError(`${offset} is not held.`);
    const block = this.#blocks[Math.floor((offset - this.#base) / BLOCK_BYTES)];
    if (block === undefined) return new Uint8Array();
    const at = (offset - this.#base) % BLOCK_BYTES;
    return block.bytes.subarray(at, Math.min(block.used, at + most));
  }

  #openBlock(): { bytes: Buffer; used: number } {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.used < BLOCK_BYTES) return last;
    const block = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Brings it back to its size, and then on to the beginning of a line, if there is one soon. */
  #cut(): void {
    const least = this.#end - this.#mostBytes;
    const until = this.#afterNewline(least) ?? least;
    while (this.#start < until) {
      const dropped = this.read(this.#start, until - this.#start);
      this.#onDrop(dropped);
      this.#start += dropped.length;
    }
    const emptied = Math.floor((this.#start - this.#base) / BLOCK_BYTES);
    this.#blocks.splice(0, emptied);
    this.#base += emptied * BLOCK_BYTES;
  }

  /** Where the line after the one at `offset` begins. */
  #afterNewline(offset: number): number | null {
    for (let at = offset; at < Math.min(offset + MAX_LINE_BYTES, this.#end); ) {
      const piece = this.read(at, offset + MAX_LINE_BYTES - at);
      const found = piece.indexOf(NEWLINE);
      if (found >= 0) return at + found + 1;
      at += piece.length;
    }
    return null;
  }
}
