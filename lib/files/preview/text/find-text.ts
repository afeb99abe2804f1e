/** What finds `query` literally; small letters stand for large ones as well unless they must match. */
export function textPattern(query: string, { matchesCase }: { matchesCase: boolean }): RegExp {
  return new RegExp(query.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), matchesCase ? 'gu' : 'giu');
}

export type TextSpan = { from: number; to: number };

/** The first place at or after `from`, or `null`. */
export function firstMatch(text: string, pattern: RegExp, from = 0): TextSpan | null {
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  return found === null ? null : { from: found.index, to: found.index + found[0].length };
}

/** The last place that ends at or before `to`, or `null`. */
export function lastMatch(text: string, pattern: RegExp, to = text.length): TextSpan | null {
  let last: TextSpan | null = null;
  let next = firstMatch(text, pattern);
  while (next !== null && next.to <= to) {
    last = next;
    next = firstMatch(text, pattern, Math.max(next.to, next.from + 1));
  }
  return last;
}

/** How much of the end of a part must be looked at again together with the next: a place may lie across the two. */
export function overlapOf(query: string): number {
  // Folding a letter may change how many units it takes.
  return Math.max(0, query.length * 2 - 1);
}
