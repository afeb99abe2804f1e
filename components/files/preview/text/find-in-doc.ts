import type { Text } from '@codemirror/state';
import { firstMatch, lastMatch, overlapOf, type TextSpan } from '@/lib/files/preview/text/find-text';

export type Query = { text: string; pattern: RegExp };

/** Characters searched at a time. */
const PART = 256 * 1024;
export const MAX_COUNTED = 10_000;
const MAX_COUNT_MS = 50;

/** The next match from `start` in this direction, without wrapping. */
export function findInDoc(
  doc: Text,
  { text, pattern }: Query,
  direction: 1 | -1,
  start: number,
): TextSpan | null {
  const overlap = overlapOf(text);
  if (direction > 0) {
    for (let from = start; from <= doc.length; from += PART) {
      const found = firstMatch(doc.sliceString(from, from + PART + overlap), pattern);
      if (found !== null) return { from: from + found.from, to: from + found.to };
    }
    return null;
  }
  for (let to = start; to > 0; to -= PART) {
    const from = Math.max(0, to - PART - overlap);
    const found = lastMatch(doc.sliceString(from, to), pattern);
    if (found !== null) return { from: from + found.from, to: from + found.to };
  }
  return null;
}

/** The number of the match at `at` and of all matches; `null` if counting takes too long. */
export function countMatches(doc: Text, pattern: RegExp, at: number): { place: number; all: number } | null {
  const untilMs = performance.now() + MAX_COUNT_MS;
  const text = doc.toString();
  let [all, place] = [0, 0];
  for (let next = firstMatch(text, pattern); next !== null; next = firstMatch(text, pattern, next.to)) {
    all += 1;
    if (next.from <= at) place = all;
    if (all >= MAX_COUNTED) break;
    if (all % 500 === 0 && performance.now() > untilMs) return null;
  }
  return { place, all };
}
