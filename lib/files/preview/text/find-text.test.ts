import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstMatch, lastMatch, overlapOf, textPattern } from './find-text';

const plain = fc.string({ minLength: 1, maxLength: 4 });

test('matches any query literally', () => {
  fc.assert(
    fc.property(fc.string(), plain, fc.string(), (before, query, after) => {
      const text = before + query + after;
      const pattern = textPattern(query, { matchesCase: true });
      const at = text.indexOf(query);
      expect(firstMatch(text, pattern)).toEqual({ from: at, to: at + query.length });
    }),
  );
});

test('finds forwards and backwards', () => {
  const pattern = textPattern('ab', { matchesCase: false });
  const text = 'ab AB ab';
  expect(firstMatch(text, pattern, 1)).toEqual({ from: 3, to: 5 });
  expect(lastMatch(text, pattern)).toEqual({ from: 6, to: 8 });
  expect(lastMatch(text, pattern, 7)).toEqual({ from: 3, to: 5 });
  expect(lastMatch(text, pattern, 1)).toBeNull();
  expect(firstMatch(text, textPattern('AB', { matchesCase: true }))).toEqual({ from: 3, to: 5 });
});

test('finds a match across two parts with the overlap', () => {
  fc.assert(
    fc.property(fc.string(), plain, fc.string(), fc.nat(), (before, query, after, cut) => {
      const text = before + query + after;
      const at = before.length + (cut % (query.length + 1));
      const parts = [text.slice(0, at), text.slice(Math.max(0, at - overlapOf(query)))];
      const pattern = textPattern(query, { matchesCase: true });
      expect(parts.some((part) => firstMatch(part, pattern) !== null)).toBe(true);
    }),
  );
});
