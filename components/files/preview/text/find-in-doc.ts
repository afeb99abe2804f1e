import type { Text } from '@codemirror/state';
import { firstMatch, lastMatch, overlapOf, type TextSpan } from '@/lib/files/preview/text/find-text';

/** What is looked for. */
export type Query = { text: string; pattern: RegExp };

/** What is looked through at once, characters. */
const PART = 256 * 1024;
export const MAX_COUNTED = 10_000;
const COUNTED_WITHIN_MS = 50;

/** The next place from `start` on, or the one before, as far as the document goes. */
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

/** Which of how many places is at `at`; `null` where counting them would hold up the page. */
export function countMatches(doc: Text, pattern: RegExp, at: number): { place: number; all: number } | null {
  const untilMs = performance.now() + COUNTED_WITHIN_MS;
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
