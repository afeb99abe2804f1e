import { describe, expect, it } from 'vitest';
import { eventually } from '../test-support/environment';
import { PageLooks } from './page-readings';
import { rowWith } from './test-fleet';

/** Looks at a list whose pages hold one sandbox each, named after the cursor; each answer waits to be let go. */
function lookAround() {
  const asked: { cursor: string | null; atMs: number; answer: () => void; fail: () => void }[] = [];
  const told: { ids: string[]; askedAtMs: number; cursor: string | null }[] = [];
  const looks = new PageLooks({
    readPage: (cursor) =>
      new Promise((resolve, reject) => {
        asked.push({
          cursor,
          atMs: Date.now(),
          answer: () =>
            resolve({
              sandboxes: [rowWith({ id: `at-${cursor}` }).sandbox],
              unreadable: 0,
              nextCursor: null,
            }),
          fail: () => reject(new Error('Away.')),
        });
      }),
    onPage: (sandboxes, askedAtMs, cursor) =>
      void told.push({ ids: sandboxes.map(({ id }) => id), askedAtMs, cursor }),
  });
  return { looks, asked, told };
}

describe('a look at a page', () => {
  it('is one request for all who want it before it is sent, and tells when that was asked for', async () => {
    const { looks, asked, told } = lookAround();
    const sinceMs = Date.now();
    const all = [looks.look('a', sinceMs), looks.look('a', sinceMs), looks.look('a', sinceMs)];
    await eventually(() => asked.length > 0);
    asked[0]?.answer();
    await Promise.all(all);
    expect(asked).toHaveLength(1);
    expect(told).toEqual([{ ids: ['at-a'], askedAtMs: expect.any(Number), cursor: 'a' }]);
    expect(told[0]?.askedAtMs).toBeGreaterThan(sinceMs);
    // Noted before it is sent, never after.
    expect(told[0]?.askedAtMs).toBeLessThanOrEqual(asked[0]?.atMs ?? 0);
  });

  it('is shared while it is under way by those for whom it is new enough, and asked for anew by others', async () => {
    const { looks, asked } = lookAround();
    const first = looks.look(null, Date.now());
    await eventually(() => asked.length > 0);
    const sentAtMs = asked[0]?.atMs ?? 0;
    const early = looks.look(null, sentAtMs - 1_000);
    let isLateAnswered = false;
    const late = looks.look(null, sentAtMs).then(() => {
      isLateAnswered = true;
    });
    asked[0]?.answer();
    await Promise.all([first, early]);
    await eventually(() => asked.length === 2);
    expect(isLateAnswered).toBe(false);
    asked[1]?.answer();
    await late;
    expect(asked[1]?.atMs).toBeGreaterThan(sentAtMs);
  });

  it('waits while four others are under way', async () => {
    const { looks, asked } = lookAround();
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((cursor) => looks.look(cursor, Date.now()));
    await eventually(() => asked.length >= 4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked.map(({ cursor }) => cursor)).toEqual(['a', 'b', 'c', 'd']);
    asked[2]?.answer();
    await eventually(() => asked.length === 5);
    // One that fails makes room, too.
    asked[0]?.fail();
    await eventually(() => asked.length === 6);
    for (const { answer } of asked) answer();
    await Promise.all(all);
  });

  it('that fails is over, tells nothing, and stands in nobody’s way', async () => {
    const { looks, asked, told } = lookAround();
    const failing = looks.look('a', Date.now());
    await eventually(() => asked.length === 1);
    asked[0]?.fail();
    await failing;
    expect(told).toEqual([]);
    const next = looks.look('a', Date.now());
    await eventually(() => asked.length === 2);
    asked[1]?.answer();
    await next;
    expect(told).toHaveLength(1);
  });
});
