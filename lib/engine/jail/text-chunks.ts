/**
 * Splits a byte stream into chunks that end at UTF-8 character boundaries, because clients decode each chunk separately
 * (docs/protocol.md#envd-process-output). Bytes that are not UTF-8 pass unchanged.
 */
export class TextChunks {
  readonly #maxBytes: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Returns chunks of at most `maxBytes`. Holds back up to three bytes of an incomplete character. */
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
    // A view would keep the whole chunk in memory.
    this.#held = Buffer.from(rest.subarray(rest.length - unfinished));
    return chunks;
  }

  flush(): Buffer[] {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest.length > 0 ? [rest] : [];
  }
}

/** Length of an incomplete character at the end of `bytes`, 0 to 3. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    return lengthOfCharacter(byte) > back ? back : 0;
  }
  return 0;
}

/** Length of the character that starts with `byte`; 1 if none does. */
function lengthOfCharacter(byte: number): number {
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 1;
}
