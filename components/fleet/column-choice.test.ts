import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addColumn,
  DEFAULT_COLUMNS,
  defaultColumns,
  moveColumn,
  parseColumns,
  printColumns,
} from './column-choice';
import { keyColumnId } from './columns';

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

  it('shows each column once', () => {
    expect(parseColumns('id age id age')).toEqual(['id', 'age']);
  });

  it('adds a column where it stands in reading order, and one of a key after the template', () => {
    const owner = keyColumnId('owner');
    expect(addColumn(DEFAULT_COLUMNS, owner)).toEqual([
      ...DEFAULT_COLUMNS.slice(0, 3),
      owner,
      ...DEFAULT_COLUMNS.slice(3),
    ]);
    expect(addColumn(['state', 'id', owner, 'age'], keyColumnId('run'))[3]).toBe(keyColumnId('run'));
    expect(addColumn(['id', 'age', 'left'], 'up')).toEqual(['id', 'age', 'up', 'left']);
    expect(addColumn(['left', 'id'], 'state')).toEqual(['state', 'left', 'id']);
    expect(addColumn(['id', 'age'], 'age')).toEqual(['id', 'age']);
  });

  it('moves a column to any position, and no further than the ends', () => {
    const ids = ['id', 'age', 'left'];
    expect(moveColumn(ids, 'left', 0)).toEqual(['left', 'id', 'age']);
    expect(moveColumn(ids, 'id', 1)).toEqual(['age', 'id', 'left']);
    expect(moveColumn(ids, 'id', 9)).toEqual(['age', 'left', 'id']);
    expect(moveColumn(ids, 'id', -1)).toBe(ids);
    expect(moveColumn(ids, 'size', 0)).toBe(ids);
  });
});

describe('defaultColumns', () => {
  it('has the connection beside the id if there are several', () => {
    expect(defaultColumns(false)).toBe(DEFAULT_COLUMNS);
    expect(defaultColumns(true).slice(0, 4)).toEqual(['state', 'id', 'connection', 'template']);
    expect(addColumn(DEFAULT_COLUMNS, 'connection')).toEqual(defaultColumns(true));
  });
});
