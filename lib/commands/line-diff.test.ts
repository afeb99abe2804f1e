import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiffLine, diffLines } from './line-diff';

const written = (lines: DiffLine[] | null) =>
  lines?.map(({ kind, text }) => `${{ same: ' ', added: '+', removed: '-' }[kind]}${text}`);

describe('diffLines', () => {
  it('marks lines that only one text has', () => {
    expect(written(diffLines('a\nb\nc\n', 'a\nx\nc\nd\n'))).toEqual([' a', '-b', '+x', ' c', '+d']);
    expect(written(diffLines('', 'a'))).toEqual(['+a']);
    expect(written(diffLines('a\n', 'a'))).toEqual([' a']);
    expect(diffLines('', '')).toEqual([]);
  });

  it('contains both texts', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, now) => {
        const lines = diffLines(before.join('\n'), now.join('\n')) ?? [];
        const without = (kind: DiffLine['kind']) =>
          lines.filter((line) => line.kind !== kind).map((line) => line.text);
        expect(without('added')).toEqual(before);
        expect(without('removed')).toEqual(now);
      }),
    );
  });

  it('gives up on too many differences, and ignores the length of identical parts', () => {
    const many = (word: string) => Array.from({ length: 2_000 }, (_, at) => `${word} ${at}`).join('\n');
    expect(diffLines(many('a'), many('b'))).toBeNull();
    expect(diffLines(many('a'), `${many('a')}\nmore`)?.at(-1)).toEqual({ kind: 'added', text: 'more' });
  });
});
