import { describe, expect, it } from 'vitest';
import { countWords, hiddenWords } from './selection-count';

const some = (count: number) => Array.from({ length: count });

describe('countWords', () => {
  it.each([
    [0, 0, 'Nothing selected'],
    [3, 0, '3 selected'],
    [12, 4, '12 selected, 4 more hidden by the filter are left out'],
    [2, 1, '2 selected, 1 more hidden by the filter is left out'],
    [0, 4, '0 selected, 4 hidden by the filter are left out'],
  ])('%i and %i hidden: %s', (count, hidden, words) => {
    expect(countWords({ rows: some(count), hidden })).toBe(words);
    if (hidden > 0) expect(words).toContain(hiddenWords({ rows: some(count), hidden }));
  });
});
