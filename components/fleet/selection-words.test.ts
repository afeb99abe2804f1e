import { describe, expect, it } from 'vitest';
import { rowWith } from '@/lib/fleet/test-fleet';
import { kindWords } from './selection-words';

describe('kindWords', () => {
  const rows = [
    rowWith({ id: 'a' }),
    rowWith({ id: 'b', metadata: { keep: 'True' } }),
    rowWith({ id: 'c', state: 'paused' }),
  ];
  const words = (matching: number) => kindWords(rows, { matching, protectedKey: 'keep' });

  it('says what they are', () => {
    expect(words(50)).toEqual(['2 running', '1 paused', '1 protected']);
    expect(kindWords([rowWith({ state: 'unknown' })], { matching: 9, protectedKey: 'keep' })).toEqual([
      '1 in an unknown state',
    ]);
  });

  it('says when they are all that match, or nearly', () => {
    expect(words(3).at(-1)).toBe('all that match');
    expect(words(4).at(-1)).toBe('all that match but one');
    expect(words(5).at(-1)).toBe('all that match but 2');
    expect(words(6).at(-1)).toBe('1 protected');
    // Held under the pointer for a moment, there may be more than match.
    expect(words(2).at(-1)).toBe('1 protected');
  });
});
