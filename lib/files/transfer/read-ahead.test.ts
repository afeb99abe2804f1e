import { describe, expect, it } from 'vitest';
import { readAhead } from './read-ahead';

const never = new AbortController().signal;

describe('reading ahead', () => {
  it('yields in order and respects the concurrency', async () => {
    let pending = 0;
    let maxPending = 0;
    const read = async (key: number) => {
      pending += 1;
      maxPending = Math.max(maxPending, pending);
      await new Promise((resolve) => setTimeout(resolve, (7 * key) % 5));
      pending -= 1;
      return key * 2;
    };
    const got: (readonly [number, number])[] = [];
    for await (const each of readAhead([0, 1, 2, 3, 4, 5, 6, 7], read, { concurrency: 3, signal: never }))
      got.push(each);
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((key) => [key, key * 2]));
    expect(maxPending).toBe(3);
  });

  it('aborts pending reads when the iteration ends', async () => {
    const ended: number[] = [];
    const read = (key: number, signal: AbortSignal) =>
      key === 0
        ? Promise.resolve(key)
        : new Promise<number>((_, reject) => {
            signal.addEventListener('abort', () => {
              ended.push(key);
              reject(signal.reason);
            });
          });
    for await (const [key] of readAhead([0, 1, 2, 3, 4], read, { concurrency: 3, signal: never })) {
      expect(key).toBe(0);
      break;
    }
    expect(ended).toEqual([1, 2, 3]);
  });

  it('throws a failure in its turn', async () => {
    const got: number[] = [];
    const all = async () => {
      const read = async (key: number) => {
        if (key === 1) throw new Error('lost');
        return key;
      };
      for await (const [key] of readAhead([0, 1, 2], read, { concurrency: 3, signal: never })) got.push(key);
    };
    await expect(all()).rejects.toThrow('lost');
    expect(got).toEqual([0]);
  });
});
