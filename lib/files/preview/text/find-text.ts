/** A pattern that matches `query` literally. */
export function textPattern(query: string, { matchesCase }: { matchesCase: boolean }): RegExp {
  return new RegExp(query.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), matchesCase ? 'gu' : 'giu');
}

export type TextSpan = { from: number; to: number };

export function firstMatch(text: string, pattern: RegExp, from = 0): TextSpan | null {
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  return found === null ? null : { from: found.index, to: found.index + found[0].length };
}

/** The last match that ends at or before `to`. */
export function lastMatch(text: string, pattern: RegExp, to = text.length): TextSpan | null {
  let last: TextSpan | null = null;
  let next = firstMatch(text, pattern);
  while (next !== null && next.to <= to) {
    last = next;
    next = firstMatch(text, pattern, Math.max(next.to, next.from + 1));
  }
  return last;
}

/** How many characters of a part to search again with the next one, to find a match across both. */
export function overlapOf(query: string): number {
  // Case folding can change the number of code units.
  return Math.max(0, query.length * 2 - 1);
}
