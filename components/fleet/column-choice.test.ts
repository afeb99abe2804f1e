import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_COLUMNS, parseColumns, printColumns } from './column-choice';

describe('column choice', () => {
  it('parses what it prints, for any metadata key', () => {
    const id = fc.oneof(
      fc.constantFrom(...DEFAULT_COLUMNS),
      fc.string({ minLength: 1, unit: 'grapheme' }).map((key) => `metadata.${key}`),
    );
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 22 }), (ids) => {
        const chosen = ['id', ...ids.filter((other) => other !== 'id')];
        const text = printColumns(chosen);
        expect(parseColumns(text)).toEqual(chosen);
        expect(text).not.toMatch(/[;,"\\\n]/);
      }),
    );
  });

  it('always includes the id column', () => {
    expect(parseColumns('age left')).toEqual(['id', 'age', 'left']);
    expect(parseColumns(' ')).toEqual(['id']);
  });

  it('limits the number of columns', () => {
    const many = Array.from({ length: 500 }, (_, at) => `c${at}`);
    expect(parseColumns(printColumns(many))?.length).toBeLessThanOrEqual(25);
  });

  it('returns null for empty and invalid text', () => {
    expect([null, undefined, '', '%'].map(parseColumns)).toEqual([null, null, null, null]);
  });
});
