const TAIL_BYTES = 4_096;
/** Zero bytes at the start of a file, such as a program leaves that keeps writing at its old place after a cut. */
const HOLE_BYTES = 1_024;
const LINE_FEED = 10;

/** What is kept of the content of a file, to recognize a later cut. */
export type ContentMark = { sizeBytes: number; startsWithHole: boolean; tail: Uint8Array };

export function markOf(bytes: Uint8Array): ContentMark {
  const start = bytes.subarray(0, HOLE_BYTES);
  return {
    sizeBytes: bytes.length,
    startsWithHole: start.length === HOLE_BYTES && start.every((byte) => byte === 0),
    // A copy, because a view would keep the whole content in memory.
    tail: bytes.slice(-TAIL_BYTES),
  };
}

/** Whether `after` is what is left of `before` after a cut, rather than an edit of it, as `wasCut` decides for text. */
export function wasContentCut(before: ContentMark, after: ContentMark): boolean {
  if (after.startsWithHole && !before.startsWithHole) return true;
  if (after.sizeBytes >= before.sizeBytes) return false;
  if (after.sizeBytes < before.sizeBytes / 2) return true;
  // An edit leaves the lines after it.
  return !endsWith(after.tail, lastLineOf(before.tail));
}

/** The last line with its line end; of a longer line, its end. */
function lastLineOf(tail: Uint8Array): Uint8Array {
  return tail.subarray(tail.subarray(0, -1).lastIndexOf(LINE_FEED) + 1);
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const from = bytes.length - end.length;
  return from >= 0 && end.every((byte, index) => bytes[from + index] === byte);
}
