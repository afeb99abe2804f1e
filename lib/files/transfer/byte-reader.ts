/** Reads a stream of chunks by byte count. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly `count` bytes, or `null` at the end of the stream. Throws if it ends in between. */
  async read(count: number): Promise<Buffer | null> {
    if (this.#held.length >= count) return this.#take(count);
    const parts: Buffer[] = [];
    let size = 0;
    while (size < count) {
      const part = await this.readSome(count - size);
      if (part === null) {
        if (size === 0) return null;
        throw new Error('The stream ends in the middle.');
      }
      parts.push(part);
      size += part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** The next 1 to `max` bytes, or `null` at the end. */
  async readSome(max: number): Promise<Buffer | null> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return null;
      this.#held = value;
    }
    return this.#take(max);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #take(max: number): Buffer {
    const taken = this.#held.subarray(0, max);
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }
}
