import { describe, expect, it } from 'vitest';
import { readAhead } from './read-ahead';

const never = new AbortController().signal;

describe('reading ahead', () => {
  it('hands out in order what comes in any, and has no more under way than it may', async () => {
    let underWay = 0;
    let mostSeen = 0;
    const read = async (key: number) => {
      underWay += 1;
      mostSeen = Math.max(mostSeen, underWay);
      await new Promise((resolve) => setTimeout(resolve, (7 * key) % 5));
      underWay -= 1;
      return key * 2;
    };
    const got: (readonly [number, number])[] = [];
    for await (const each of readAhead([0, 1, 2, 3, 4, 5, 6, 7], read, { most: 3, signal: never }))
      got.push(each);
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((key) => [key, key * 2]));
    expect(mostSeen).toBe(3);
  });

  it('ends what is under way once it is enough', async () => {
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
    for await (const [key] of readAhead([0, 1, 2, 3, 4], read, { most: 3, signal: never })) {
      expect(key).toBe(0);
      break;
    }
    expect(ended).toEqual([1, 2, 3]);
  });

  it('fails where reading did, when it is that turn', async () => {
    const got: number[] = [];
    const all = async () => {
      const read = async (key: number) => {
        if (key === 1) throw new Error('lost');
        return key;
      };
      for await (const [key] of readAhead([0, 1, 2], read, { most: 3, signal: never })) got.push(key);
    };
    await expect(all()).rejects.toThrow('lost');
    expect(got).toEqual([0]);
  });
});
