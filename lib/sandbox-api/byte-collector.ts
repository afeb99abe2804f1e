import 'server-only';

const FIRST_BYTES = 4 * 1024;

/**
 * Joins chunks into one buffer. An untrusted sender may send every byte as a chunk of its own, each of which costs more memory
 * than its byte, so chunks are copied and not kept.
 */
export class ByteCollector {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    const size = this.#size + chunk.length;
    if (size > this.#buffer.length) this.#grow(size);
    this.#buffer.set(chunk, this.#size);
    this.#size = size;
  }

  /** All bytes so far. Shares memory with the collector until the next `add`. */
  bytes(): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#size);
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafe(Math.max(size, this.#buffer.length * 2));
    grown.set(this.bytes());
    this.#buffer = grown;
  }
}
