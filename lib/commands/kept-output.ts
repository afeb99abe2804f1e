import 'server-only';
import { createHash } from 'node:crypto';
import { KEPT_BYTES, type OutputPiece, type OutputText } from './schema';

/** What came since the last time and is more than this is not told while it runs. */
const MAX_TOLD_BYTES = 32 * 1024;
/** Pieces smaller than this are put together: each takes far more memory than what is in it. */
const PIECE_BYTES = 4 * 1024;

/** One output of a command: its first and its last bytes, however much it writes, and what has not been told yet. */
export class KeptOutput {
  readonly #most: number;
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  readonly #news: Uint8Array[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #newsBytes = 0;
  #skippedBytes = 0;
  #totalBytes = 0;
  #decoder = newDecoder();
  /** Of every byte, those that are left out too. */
  readonly #hash = createHash('sha256');

  constructor(mostBytes = KEPT_BYTES) {
    this.#most = mostBytes;
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#totalBytes += bytes.length;
    const toHead = Math.min(bytes.length, this.#most - this.#headBytes);
    if (toHead > 0) put(this.#head, bytes.subarray(0, toHead));
    this.#headBytes += toHead;
    if (toHead < bytes.length) put(this.#tail, bytes.subarray(toHead));
    this.#tailBytes = trimTo(this.#tail, this.#tailBytes + bytes.length - toHead, this.#most);
    put(this.#news, bytes);
    const heldBytes = this.#newsBytes + bytes.length;
    this.#newsBytes = trimTo(this.#news, heldBytes, MAX_TOLD_BYTES);
    this.#skippedBytes += heldBytes - this.#newsBytes;
  }

  /** What is kept, as text. `isOver`: what ends in the middle of a character now never becomes one. */
  text(isOver: boolean): OutputText {
    const leftOut = this.#totalBytes - this.#headBytes - this.#tailBytes;
    const end = (bytes: Uint8Array) => (isOver ? bytes : withoutUnfinished(bytes));
    if (leftOut === 0) {
      const bytes = end(joined([...this.#head, ...this.#tail]));
      return { head: decoded(bytes), tail: '', leftOutBytes: 0, ...this.#facts([bytes]) };
    }
    const head = withoutUnfinished(joined(this.#head));
    const tail = withoutRest(end(joined(this.#tail)));
    const leftOutBytes = this.#totalBytes - head.length - tail.length;
    return { head: decoded(head), tail: decoded(tail), leftOutBytes, ...this.#facts([head, tail]) };
  }

  /** What came since the last time; `null` where nothing did. */
  takeNews(): OutputPiece | null {
    if (this.#news.length === 0) return null;
    let bytes = joined(this.#news);
    const skippedBytes = this.#skippedBytes;
    this.#news.length = this.#newsBytes = this.#skippedBytes = 0;
    if (skippedBytes > 0) {
      this.#decoder = newDecoder();
      bytes = withoutRest(bytes);
    }
    const text = this.#decoder.decode(bytes, { stream: true });
    return { text, skippedBytes, totalBytes: this.#totalBytes };
  }

  /** The same for the same bytes. */
  digest(): string {
    return this.#hash.copy().digest('base64');
  }

  #facts(parts: Uint8Array[]): Pick<OutputText, 'totalBytes' | 'isBroken'> {
    return { totalBytes: this.#totalBytes, isBroken: parts.some(isBroken) };
  }
}

function put(chunks: Uint8Array[], bytes: Uint8Array): void {
  const last = chunks.at(-1);
  if (last !== undefined && last.length + bytes.length <= PIECE_BYTES)
    chunks[chunks.length - 1] = joined([last, bytes]);
  else chunks.push(bytes);
}

/** Drops bytes from the front until no more than `most` are left, and answers how many that are. */
function trimTo(chunks: Uint8Array[], size: number, most: number): number {
  let left = size;
  while (left > most) {
    const [first] = chunks;
    if (!first) break;
    const surplus = left - most;
    // What is cut off a piece goes when the rest of it does.
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

/** Without the beginning of a character at the end. */
function withoutUnfinished(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Without the rest of a character at the beginning. */
function withoutRest(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < 3 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.subarray(from);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks);
}
