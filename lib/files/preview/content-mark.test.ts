import { describe, expect, test } from 'vitest';
import { markOf, wasContentCut } from './content-mark';

const table = `name,size\n${Array.from({ length: 300 }, (_, n) => `row ${n},${n}`).join('\n')}\n`;
const hole = '\0'.repeat(10_000);
const cut = (after: string, before = table) =>
  wasContentCut(markOf(Buffer.from(before)), markOf(Buffer.from(after)));

describe('a cut', () => {
  test.each([
    ['to nothing', ''],
    ['to its first rows', table.slice(0, 1_200)],
    ['by less than a row', table.slice(0, -3)],
    ['by its last rows', table.slice(0, table.indexOf('row 290'))],
    ['and written anew', 'name,size\nrow 0,1\n'],
    ['with a hole before what was written since', `${hole}row 301,301\n`],
  ])('is one %s', (_, after) => {
    expect(cut(after)).toBe(true);
  });

  test.each([
    ['growth', `${table}row 300,300\n`],
    ['a deleted row', table.replace('row 50,50\n', '')],
    ['a shorter cell', table.replace('row 50,50', 'row 50,')],
    ['other rows of the same size', table.replaceAll('row', 'ROW')],
    ['no change', table],
  ])('is not %s', (_, after) => {
    expect(cut(after)).toBe(false);
  });

  test('is reported once for a hole', () => {
    expect(cut(`${hole}row 301,301\nrow 302,302\n`, `${hole}row 301,301\n`)).toBe(false);
  });

  test('is recognized by the end of a line that is longer than what is kept', () => {
    const long = 'x'.repeat(20_000);
    expect(cut(`a\n${long}`, `ab\n${long}`)).toBe(false);
    expect(cut(`ab\n${long.slice(0, -500)}`, `ab\n${long.slice(0, -1)}y`)).toBe(true);
  });
});
