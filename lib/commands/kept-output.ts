import 'server-only';
import { createHash } from 'node:crypto';
import { KEPT_BYTES, type OutputPiece, type OutputText } from './schema';

/** Output between two events beyond this size is skipped in the live view. */
const MAX_PENDING_BYTES = 32 * 1024;
/** Smaller chunks are joined, because each chunk has a large memory overhead. */
const MIN_CHUNK_BYTES = 4 * 1024;

/** The first and last bytes of one output of a command, and the output that has not been published yet. */
export class KeptOutput {
  readonly #maxBytes: number;
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  readonly #pending: Uint8Array[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #pendingBytes = 0;
  #skippedBytes = 0;
  #totalBytes = 0;
  #decoder = newDecoder();
  /** Covers every byte, including omitted ones. */
  readonly #hash = createHash('sha256');

  constructor(maxBytes = KEPT_BYTES) {
    this.#maxBytes = maxBytes;
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#totalBytes += bytes.length;
    const toHead = Math.min(bytes.length, this.#maxBytes - this.#headBytes);
    if (toHead > 0) put(this.#head, bytes.subarray(0, toHead));
    this.#headBytes += toHead;
    if (toHead < bytes.length) put(this.#tail, bytes.subarray(toHead));
    this.#tailBytes = trimTo(this.#tail, this.#tailBytes + bytes.length - toHead, this.#maxBytes);
    put(this.#pending, bytes);
    const heldBytes = this.#pendingBytes + bytes.length;
    this.#pendingBytes = trimTo(this.#pending, heldBytes, MAX_PENDING_BYTES);
    this.#skippedBytes += heldBytes - this.#pendingBytes;
  }

  /** The kept output as text. If `isOver`, an incomplete character at the end is not held back. */
  text(isOver: boolean): OutputText {
    const leftOut = this.#totalBytes - this.#headBytes - this.#tailBytes;
    const end = (bytes: Uint8Array) => (isOver ? bytes : withoutIncompleteEnd(bytes));
    if (leftOut === 0) {
      const bytes = end(joined([...this.#head, ...this.#tail]));
      return { head: decoded(bytes), tail: '', leftOutBytes: 0, ...this.#facts([bytes]) };
    }
    const head = withoutIncompleteEnd(joined(this.#head));
    const tail = withoutIncompleteStart(end(joined(this.#tail)));
    const leftOutBytes = this.#totalBytes - head.length - tail.length;
    return { head: decoded(head), tail: decoded(tail), leftOutBytes, ...this.#facts([head, tail]) };
  }

  /** Returns and clears the output since the last call, or `null`. */
  takePending(): OutputPiece | null {
    if (this.#pending.length === 0) return null;
    let bytes = joined(this.#pending);
    const skippedBytes = this.#skippedBytes;
    this.#pending.length = this.#pendingBytes = this.#skippedBytes = 0;
    if (skippedBytes > 0) {
      this.#decoder = newDecoder();
      bytes = withoutIncompleteStart(bytes);
    }
    const text = this.#decoder.decode(bytes, { stream: true });
    return { text, skippedBytes, totalBytes: this.#totalBytes };
  }

  digest(): string {
    return this.#hash.copy().digest('base64');
  }

  #facts(parts: Uint8Array[]): Pick<OutputText, 'totalBytes' | 'isBroken'> {
    return { totalBytes: this.#totalBytes, isBroken: parts.some(isBroken) };
  }
}

function put(chunks: Uint8Array[], bytes: Uint8Array): void {
  const last = chunks.at(-1);
  if (last !== undefined && last.length + bytes.length <= MIN_CHUNK_BYTES)
    chunks[chunks.length - 1] = joined([last, bytes]);
  else chunks.push(bytes);
}

/** Drops bytes from the front until at most `maxBytes` are left. Returns the new size. */
function trimTo(chunks: Uint8Array[], size: number, maxBytes: number): number {
  let left = size;
  while (left > maxBytes) {
    const [first] = chunks;
    if (!first) break;
    const surplus = left - maxBytes;
    // The cut part of a chunk is freed together with the rest of it.
    if (first.length <= surplus) chunks.shift();
    else chunks[0] = first.subarray(surplus);
    left -= Math.min(first.length, surplus);
  }
  return left;
}

function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

function decoded(bytes: Uint8Array): string {
  return newDecoder().decode(bytes);
}

function isBroken(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return false;
  } catch {
    return true;
  }
}

/** Removes an incomplete character at the end. */
function withoutIncompleteEnd(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Removes the rest of a character at the start. */
function withoutIncompleteStart(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.subarray(from);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks);
}
