import { type Encoding, newDecoder } from './encoding';

/**
 * The nominal size of a piece. The exact boundary depends only on the bytes that follow it, so each piece can be decoded on
 * its own without splitting a character or a line end.
 */
export const PIECE_BYTES = 512 * 1024;
/** Bytes needed after the boundary: at most three bytes of a character and a line end. */
export const LOOK_AHEAD_BYTES = 8;

const LINE_FEED = 10;

/**
 * Stands for a hole: many zero bytes in a row, such as a program leaves that keeps writing at its old place in a file that
 * was cut. A lone surrogate, which no decoder returns.
 */
export const HOLE = '\uDC00';
const HOLES = /\0{1024,}/g;
/** So many zero bytes on either side of a boundary mean that a hole crosses it: fewer may be text. */
const CROSSING_BYTES = 4;
const HOLES_OF_LATER_PIECE = {
  1: /^\0{4,}|\0{1024,}/g,
  2: /^\0{2,}|\0{1024,}/g,
} as const;

/** The text without its holes, for a view that has no place to show them. */
export function withoutHoles(text: string): string {
  return text.replace(HOLES, '');
}

/** The number of pieces; an empty text has one. */
export function piecesIn(sizeBytes: number, pieceBytes = PIECE_BYTES): number {
  return Math.max(1, Math.ceil(sizeBytes / pieceBytes));
}

/** The bytes to read for a piece; `end` is exclusive. */
export function pieceSpan(index: number, pieceBytes = PIECE_BYTES): { start: number; end: number } {
  const start = index * pieceBytes;
  return { start, end: start + pieceBytes + LOOK_AHEAD_BYTES };
}

/** Decoded text with `\n` line ends. A lone carriage return is not a line end, as in `wc -l`. */
export type Piece = {
  text: string;
  lineEnds: number;
};

/** Decodes piece `index` from the bytes of its span. */
export function decodePiece(
  bytes: Uint8Array,
  { index, encoding, pieceBytes = PIECE_BYTES }: { index: number; encoding: Encoding; pieceBytes?: number },
): Piece {
  const start = index === 0 ? 0 : boundaryAt(bytes, 0, encoding);
  const end = bytes.length > pieceBytes ? boundaryAt(bytes, pieceBytes, encoding) : bytes.length;
  // Only the first piece can start with a byte order mark.
  const decoder = newDecoder(encoding, { keepsMark: index > 0 });
  const decoded = decoder.decode(bytes.subarray(start, Math.max(start, end))).replaceAll('\r\n', '\n');
  // A hole over several pieces is shown once, where it ends.
  const after = bytes.subarray(end, end + CROSSING_BYTES);
  const continues = after.length === CROSSING_BYTES && after.every((byte) => byte === 0);
  const unitBytes = encoding === 'utf-16le' || encoding === 'utf-16be' ? 2 : 1;
  const text = decoded.replace(index === 0 ? HOLES : HOLES_OF_LATER_PIECE[unitBytes], (hole, at: number) =>
    continues && at + hole.length === decoded.length ? '' : HOLE,
  );
  return { text, lineEnds: countOf('\n', text) };
}

/**
 * Whether `after` is what is left of `before` after a cut, rather than an edit of it. `sizes`: of the file, in bytes. Several
 * pieces may be compared without the rest of the file.
 */
export function wasCut(
  before: string,
  after: string,
  sizes: { beforeBytes: number; afterBytes: number },
): boolean {
  // The program went on writing before the cut was seen.
  if (isAtHole(after) && !isAtHole(before)) return true;
  if (sizes.afterBytes >= sizes.beforeBytes) return false;
  if (sizes.afterBytes < sizes.beforeBytes / 2) return true;
  const difference = differenceOf(before, after);
  // An edit leaves the lines after it.
  return difference !== null && difference.to > before.lastIndexOf('\n', before.length - 2) + 1;
}

/** Holes are shown where they end, so text within one is empty. */
function isAtHole(text: string): boolean {
  return text === '' || text.startsWith(HOLE);
}

/** The piece boundary at or shortly after `at`. */
function boundaryAt(bytes: Uint8Array, at: number, encoding: Encoding): number {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    const unit = (index: number) => unitAt(bytes, index, encoding);
    const begin = (unit(at) & 0xfc00) === 0xdc00 ? at + 2 : at;
    return unit(begin) === LINE_FEED ? begin + 2 : begin;
  }
  let begin = at;
  if (encoding !== 'windows-1252') {
    while (begin < at + 4 && isContinuation(bytes[begin])) begin += 1;
    // Not UTF-8: no character has that many continuation bytes.
    if (begin === at + 4) begin = at;
  }
  // Keeps \r\n together.
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

/** The edit between the common prefix and suffix, or `null` if equal. Never splits a surrogate pair. */
export function differenceOf(
  before: string,
  after: string,
): { from: number; to: number; insert: string } | null {
  if (before === after) return null;
  const max = Math.min(before.length, after.length);
  let from = 0;
  while (from < max && before.charCodeAt(from) === after.charCodeAt(from)) from += 1;
  if (from > 0 && isHighSurrogate(before.charCodeAt(from - 1))) from -= 1;
  let tail = 0;
  while (
    tail < max - from &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1;
  if (tail > 0 && isLowSurrogate(before.charCodeAt(before.length - tail))) tail -= 1;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}

const isHighSurrogate = (code: number) => (code & 0xfc00) === 0xd800;
const isLowSurrogate = (code: number) => (code & 0xfc00) === 0xdc00;
