import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxPage } from '../sandbox-api/control';
import { listSandboxes } from '../sandbox-api/control';
import { setUpEngine, thrownBy } from '../test-support/environment';
import { crawlFleet, type ReadPage } from './crawl';
import { rowWith } from './test-fleet';

const engine = setUpEngine();

/** Reads everything through `readPage` and answers what was found and what was told on the way. */
async function crawl(readPage: ReadPage = listSandboxes, signal = new AbortController().signal) {
  const told: Sandbox[] = [];
  const result = await crawlFleet({ readPage, signal, onPage: (page) => void told.push(...page) });
  return { ...result, told };
}

describe('against the engine', () => {
  it('finds each of 250 sandboxes once, whatever the order they were made in', async () => {
    const made = new Set<string>();
    const make = async (owner: string) => void made.add(await engine.create({ metadata: { owner } }));
    for (let round = 0; round < 25; round += 1) {
      await Promise.all(Array.from({ length: 10 }, (_, at) => make(`${round}-${at}`)));
    }
    let calls = 0;
    const { seen, unreadable, told } = await crawl((cursor) => {
      calls += 1;
      return listSandboxes(cursor);
    });
    expect(seen).toEqual(made);
    expect(unreadable).toBe(0);
    expect(new Set(told.map(({ id }) => id))).toEqual(made);
    // Three pages, and the first one once more to see what has jumped ahead.
    expect(calls).toBe(4);
  });

  it('does not miss one that is resumed while we read', async () => {
    const all = await crawl();
    const oldest = all.told.toSorted((a, b) => a.startedAtMs - b.startedAtMs)[0]?.id ?? '';
    await engine.call('POST', `/sandboxes/${oldest}/pause`);
    let pages = 0;
    const { seen, told } = await crawl(async (cursor) => {
      const page = await listSandboxes(cursor);
      pages += 1;
      if (pages === 1) await engine.call('POST', `/sandboxes/${oldest}/resume`, { timeout: 300 });
      return page;
    });
    const beforeTheHeadAgain = told.slice(0, 249).map(({ id }) => id);
    expect(beforeTheHeadAgain).not.toContain(oldest);
    expect(seen.has(oldest)).toBe(true);
    expect(seen).toEqual(all.seen);
  });

  it('notices a cursor that repeats itself instead of reading for ever', async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', effect: 'repeat-cursor' });
    expect(await thrownBy(() => crawl())).toMatchObject({
      code: 'unavailable',
      message: 'The sandbox service keeps answering with the same page, so the list may be incomplete.',
    });
  });

  it("hands on the gateway's failures", async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', status: 429, retryAfterSeconds: 3 });
    expect(await thrownBy(() => crawl())).toMatchObject({ code: 'rate_limited', retryAfterMs: 3_000 });
  });

  it('stops between pages when told to', async () => {
    const stop = new AbortController();
    let calls = 0;
    const stopped = crawl((cursor) => {
      calls += 1;
      stop.abort();
      return listSandboxes(cursor);
    }, stop.signal);
    expect(await thrownBy(() => stopped)).toMatchObject({ name: 'AbortError' });
    expect(calls).toBe(1);
  });
});

describe('what it counts', () => {
  const page = (ids: string[], nextCursor: string | null, unreadable = 0): SandboxPage => ({
    sandboxes: ids.map((id, at) => rowWith({ id, startedAtMs: 1_000 - at }).sandbox),
    unreadable,
    nextCursor,
  });

  it('adds up unreadable rows, those of the second look at the head not twice', async () => {
    const pages: Record<string, SandboxPage> = { '': page(['a', 'b'], '1', 2), '1': page(['c'], null, 3) };
    const { seen, unreadable } = await crawl(async (cursor) => pages[cursor ?? ''] ?? page([], null));
    expect([...seen]).toEqual(['a', 'b', 'c']);
    expect(unreadable).toBe(5);
  });

  it('reads a single page once: it is a moment', async () => {
    let calls = 0;
    await crawl(async () => {
      calls += 1;
      return page(['a'], null);
    });
    expect(calls).toBe(1);
  });

  it('says when each page was asked for', async () => {
    const before = Date.now();
    const asked: number[] = [];
    await crawlFleet({
      readPage: async (cursor) => (cursor === null ? page(['a'], '1') : page(['b'], null)),
      onPage: (_, askedAtMs) => void asked.push(askedAtMs),
      signal: new AbortController().signal,
    });
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.every((atMs) => atMs >= before && atMs <= Date.now())).toBe(true);
  });
});
