/**
 * Cuts a stream of bytes into chunks that never end inside a UTF-8 character (docs/protocol.md#envd-process-output:
 * clients decode chunk by chunk). Bytes that are no UTF-8 pass unchanged.
 */
export class TextChunks {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Chunks of at most `maxBytes`; up to three bytes of an unfinished character stay behind. */
  cut(bytes: Buffer): Buffer[] {
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    const chunks: Buffer[] = [];
    while (rest.length > this.#maxBytes) {
      const window = rest.subarray(0, this.#maxBytes);
      const size = this.#maxBytes - unfinishedBytes(window);
      chunks.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    const unfinished = unfinishedBytes(rest);
    if (rest.length > unfinished) chunks.push(rest.subarray(0, rest.length - unfinished));
    // A copy: a view would keep the whole chunk alive.
    this.#held = Buffer.from(rest.subarray(rest.length - unfinished));
    return chunks;
  }

  /** What stayed behind, at the end of the stream. */
  flush(): Buffer[] {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest.length > 0 ? [rest] : [];
  }
}

/** How many bytes at the end of `bytes` begin a character that is not complete: 0 to 3. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return lengthOfCharacter(byte) > back ? back : 0;
  }
  return 0;
}

/** Bytes of the character that starts with `byte`; 1 where none does. */
function lengthOfCharacter(byte: number): number {
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 1;
}
