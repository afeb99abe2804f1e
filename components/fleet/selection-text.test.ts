import { describe, expect, it } from 'vitest';
import { rowWith } from '@/lib/fleet/test-fleet';
import { countText, hiddenText, kindTexts } from './selection-text';

const some = (count: number) => Array.from({ length: count });

describe('countText', () => {
  it.each([
    [0, 0, 'Nothing selected'],
    [3, 0, '3 selected'],
    [12, 4, '12 selected, 4 more hidden by the filter, not included'],
    [0, 4, '0 selected, 4 hidden by the filter, not included'],
  ])('%i and %i hidden: %s', (count, hidden, text) => {
    expect(countText({ rows: some(count), hidden })).toBe(text);
    if (hidden > 0) expect(text).toContain(hiddenText({ rows: some(count), hidden }));
  });
});

describe('kindTexts', () => {
  const rows = [
    rowWith({ id: 'a' }),
    rowWith({ id: 'b', metadata: { keep: 'True' } }),
    rowWith({ id: 'c', state: 'paused' }),
  ];
  const texts = (matching: number) => kindTexts(rows, { matching, protectedKey: 'keep' });

  it('counts states and protected sandboxes', () => {
    expect(texts(50)).toEqual(['2 running', '1 paused', '1 protected']);
    expect(kindTexts([rowWith({ state: 'unknown' })], { matching: 9, protectedKey: 'keep' })).toEqual([
      '1 in an unknown state',
    ]);
  });

  it('adds whether they are all matching rows, or nearly all', () => {
    expect(texts(3).at(-1)).toBe('all matching');
    expect(texts(4).at(-1)).toBe('all matching except 1');
    expect(texts(5).at(-1)).toBe('all matching except 2');
    expect(texts(6).at(-1)).toBe('1 protected');
    // Rows kept in their places can outnumber the matching ones.
    expect(texts(2).at(-1)).toBe('1 protected');
  });
});
