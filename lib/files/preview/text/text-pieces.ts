import { type Encoding, newDecoder } from './encoding';

/**
 * A text is read in pieces of so many bytes. Where one ends and the next begins is decided by the bytes that follow the
 * mark alone, so every piece can be read by itself: no character is cut through, no line end is counted twice.
 */
export const PIECE_BYTES = 512 * 1024;
/** What must be known beyond the mark to tell where the piece ends. Its longest: three bytes of a character, a line end. */
export const LOOK_AHEAD_BYTES = 8;

const LINE_FEED = 10;

/** How many pieces a text of this size has; an empty one has one. */
export function piecesIn(sizeBytes: number, pieceBytes = PIECE_BYTES): number {
  return Math.max(1, Math.ceil(sizeBytes / pieceBytes));
}

/** The bytes to read for a piece; `end` is the first that is not needed. */
export function pieceSpan(index: number, pieceBytes = PIECE_BYTES): { start: number; end: number } {
  const start = index * pieceBytes;
  return { start, end: start + pieceBytes + LOOK_AHEAD_BYTES };
}

/** The text of a piece, its lines ended by `\n`. A lone carriage return ends no line, as `grep -n` and `wc -l` have it. */
export type Piece = {
  text: string;
  /** How many lines end in it. */
  lineEnds: number;
};

/** Decodes piece `index` from the bytes at its span, as far as there are any. */
export function decodePiece(
  bytes: Uint8Array,
  { index, encoding, pieceBytes = PIECE_BYTES }: { index: number; encoding: Encoding; pieceBytes?: number },
): Piece {
  const start = index === 0 ? 0 : boundaryAt(bytes, 0, encoding);
  const end = bytes.length > pieceBytes ? boundaryAt(bytes, pieceBytes, encoding) : bytes.length;
  // Only the first piece begins with a mark that is none of the text.
  const decoder = newDecoder(encoding, { keepsMark: index > 0 });
  const text = decoder.decode(bytes.subarray(start, Math.max(start, end))).replaceAll('\r\n', '\n');
  return { text, lineEnds: countOf('\n', text) };
}

/** Where a piece may begin, at `at` or just after it. */
function boundaryAt(bytes: Uint8Array, at: number, encoding: Encoding): number {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    const unit = (index: number) => unitAt(bytes, index, encoding);
    const begin = (unit(at) & 0xfc00) === 0xdc00 ? at + 2 : at;
    return unit(begin) === LINE_FEED ? begin + 2 : begin;
  }
  let begin = at;
  if (encoding !== 'windows-1252') {
    while (begin < at + 4 && isContinuation(bytes[begin])) begin += 1;
    // No character has so many: these are no UTF-8.
    if (begin === at + 4) begin = at;
  }
  // A carriage return may stand before it, and the two are one.
  return bytes[begin] === LINE_FEED ? begin + 1 : begin;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function unitAt(bytes: Uint8Array, at: number, encoding: Encoding): number {
  const [first = 0, second = 0] = bytes.subarray(at, at + 2);
  return encoding === 'utf-16le' ? first | (second << 8) : (first << 8) | second;
}

function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}

/**
 * How one text becomes another: what is between their common start and end. `null` where they are the same. Never cuts
 * a pair of surrogates apart.
 */
export function differenceOf(
  before: string,
  after: string,
): { from: number; to: number; insert: string } | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before.charCodeAt(from) === after.charCodeAt(from)) from += 1;
  if (from > 0 && isHighSurrogate(before.charCodeAt(from - 1))) from -= 1;
  let tail = 0;
  while (
    tail < most - from &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1;
  if (tail > 0 && isLowSurrogate(before.charCodeAt(before.length - tail))) tail -= 1;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}

const isHighSurrogate = (code: number) => (code & 0xfc00) === 0xd800;
const isLowSurrogate = (code: number) => (code & 0xfc00) === 0xdc00;
