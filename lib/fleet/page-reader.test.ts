import { describe, expect, it } from 'vitest';
import { eventually } from '../test-support/environment';
import { PageReader } from './page-reader';
import { rowWith } from './test-fleet';

/** A reader of pages with one sandbox each, named after the cursor. The test answers each request. */
function setUpReader() {
  const requests: { cursor: string | null; atMs: number; answer: () => void; fail: () => void }[] = [];
  const pages: { ids: string[]; requestedAtMs: number; cursor: string | null }[] = [];
  const reader = new PageReader({
    readPage: (cursor) =>
      new Promise((resolve, reject) => {
        requests.push({
          cursor,
          atMs: Date.now(),
          answer: () =>
            resolve({
              sandboxes: [rowWith({ id: `at-${cursor}` }).sandbox],
              unreadable: 0,
              nextCursor: null,
            }),
          fail: () => reject(new Error('Unavailable.')),
        });
      }),
    onPage: (sandboxes, requestedAtMs, cursor) =>
      void pages.push({ ids: sandboxes.map(({ id }) => id), requestedAtMs, cursor }),
  });
  return { reader, requests, pages };
}

describe('PageReader', () => {
  it('shares one request between callers that arrive before it is sent', async () => {
    const { reader, requests, pages } = setUpReader();
    const sinceMs = Date.now();
    const all = [reader.read('a', sinceMs), reader.read('a', sinceMs), reader.read('a', sinceMs)];
    await eventually(() => requests.length > 0);
    requests[0]?.answer();
    await Promise.all(all);
    expect(requests).toHaveLength(1);
    expect(pages).toEqual([{ ids: ['at-a'], requestedAtMs: expect.any(Number), cursor: 'a' }]);
    expect(pages[0]?.requestedAtMs).toBeGreaterThan(sinceMs);
    // The time is taken before the request is sent.
    expect(pages[0]?.requestedAtMs).toBeLessThanOrEqual(requests[0]?.atMs ?? 0);
  });

  it('shares an active request only with callers that accept its time', async () => {
    const { reader, requests } = setUpReader();
    const first = reader.read(null, Date.now());
    await eventually(() => requests.length > 0);
    const sentAtMs = requests[0]?.atMs ?? 0;
    const early = reader.read(null, sentAtMs - 1_000);
    let isLateAnswered = false;
    const late = reader.read(null, sentAtMs).then(() => {
      isLateAnswered = true;
    });
    requests[0]?.answer();
    await Promise.all([first, early]);
    await eventually(() => requests.length === 2);
    expect(isLateAnswered).toBe(false);
    requests[1]?.answer();
    await late;
    expect(requests[1]?.atMs).toBeGreaterThan(sentAtMs);
  });

  it('limits concurrent requests to four', async () => {
    const { reader, requests } = setUpReader();
    const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((cursor) => reader.read(cursor, Date.now()));
    await eventually(() => requests.length >= 4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(requests.map(({ cursor }) => cursor)).toEqual(['a', 'b', 'c', 'd']);
    requests[2]?.answer();
    await eventually(() => requests.length === 5);
    // A failed request frees its slot too.
    requests[0]?.fail();
    await eventually(() => requests.length === 6);
    for (const { answer } of requests) answer();
    await Promise.all(all);
  });

  it('resolves without a page if the request fails, and reads again next time', async () => {
    const { reader, requests, pages } = setUpReader();
    const failing = reader.read('a', Date.now());
    await eventually(() => requests.length === 1);
    requests[0]?.fail();
    await failing;
    expect(pages).toEqual([]);
    const next = reader.read('a', Date.now());
    await eventually(() => requests.length === 2);
    requests[1]?.answer();
    await next;
    expect(pages).toHaveLength(1);
  });
});
