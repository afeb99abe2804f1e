const BLOCK_BYTES = 64 * 1024;
/** How far the ring grows beyond its size before it is trimmed. */
const SLACK_BYTES = 2 * BLOCK_BYTES;
/** A longer line may be split. */
const MAX_LINE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * The latest output of a terminal. Bytes are addressed by their offset from the first byte ever written. Old output is
 * dropped up to the end of a line, because a replay should start at a line.
 */
export class OutputRing {
  readonly #maxBytes: number;
  readonly #onDrop: (bytes: Uint8Array) => void;
  /** All full but the last. The first starts at `#base`. */
  readonly #blocks: { bytes: Buffer; used: number }[] = [];
  #base = 0;
  #start = 0;
  #end = 0;

  /** Keeps about `maxBytes`. `onDrop` receives all dropped bytes, in order. */
  constructor(maxBytes: number, onDrop: (bytes: Uint8Array) => void = () => {}) {
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
  }

  /** The offset of the first byte held. */
  get start(): number {
    return this.#start;
  }

  /** The offset after the last byte: the number of bytes ever written. */
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
      if (this.#end - this.#start > this.#maxBytes + SLACK_BYTES) this.#trim();
    }
  }

  /** Up to `maxBytes` from `offset`, which must be held. May return fewer before the end. Do not modify the result. */
  read(offset: number, maxBytes: number): Uint8Array {
    if (offset < this.#start || offset > this.#end) throw new RangeError(`${offset} is not held.`);
    const block = this.#blocks[Math.floor((offset - this.#base) / BLOCK_BYTES)];
    if (block === undefined) return new Uint8Array();
    const at = (offset - this.#base) % BLOCK_BYTES;
    return block.bytes.subarray(at, Math.min(block.used, at + maxBytes));
  }

  #openBlock(): { bytes: Buffer; used: number } {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.used < BLOCK_BYTES) return last;
    const block = { bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Drops old bytes down to the ring's size, then to the next start of a line if it is near. */
  #trim(): void {
    const minStart = this.#end - this.#maxBytes;
    const until = this.#afterNewline(minStart) ?? minStart;
    while (this.#start < until) {
      const dropped = this.read(this.#start, until - this.#start);
      this.#onDrop(dropped);
      this.#start += dropped.length;
    }
    const emptied = Math.floor((this.#start - this.#base) / BLOCK_BYTES);
    this.#blocks.splice(0, emptied);
    this.#base += emptied * BLOCK_BYTES;
  }

  /** The start of the next line after `offset`. */
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
