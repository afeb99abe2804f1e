import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import { sandboxApi } from '../sandbox-api/configured';
import type { SandboxPage } from '../sandbox-api/control';
import { idOf, type SandboxKey } from '../sandbox-key';
import { localKey, setUpEngine, thrownBy } from '../test-support/environment';
import { type CrawlLimits, crawlFleet, type ReadPage } from './crawl';
import { rowWith } from './test-fleet';

const engine = setUpEngine();

/** Reads the whole list. Returns the result and the sandboxes passed to `onPage`. */
async function crawl(
  readPage: ReadPage = sandboxApi('local').listSandboxes,
  signal = new AbortController().signal,
) {
  const received: Sandbox[] = [];
  const result = await crawlFleet({ readPage, signal, onPage: (page) => void received.push(...page) });
  return { ...result, received };
}

describe('against the engine', () => {
  it('finds each of 250 sandboxes, in any order of creation', async () => {
    const made = new Set<SandboxKey>();
    const make = async (owner: string) =>
      void made.add(localKey(await engine.create({ metadata: { owner } })));
    for (let round = 0; round < 25; round += 1) {
      await Promise.all(Array.from({ length: 10 }, (_, at) => make(`${round}-${at}`)));
    }
    let calls = 0;
    const { seen, unreadable, received } = await crawl((cursor) => {
      calls += 1;
      return sandboxApi('local').listSandboxes(cursor);
    });
    expect(seen).toEqual(made);
    expect(unreadable).toBe(0);
    expect(new Set(received.map(({ key }) => key))).toEqual(made);
    // Three pages, and the first one again.
    expect(calls).toBe(4);
  });

  it('finds a sandbox that is resumed during the reading', async () => {
    const all = await crawl();
    const [first] = all.received.toSorted((a, b) => Number(a.startedAtMs) - Number(b.startedAtMs));
    const oldest = first?.key ?? localKey('');
    await engine.call('POST', `/sandboxes/${idOf(oldest)}/pause`);
    let pages = 0;
    const { seen, received } = await crawl(async (cursor) => {
      const page = await sandboxApi('local').listSandboxes(cursor);
      pages += 1;
      if (pages === 1) await engine.call('POST', `/sandboxes/${idOf(oldest)}/resume`, { timeout: 300 });
      return page;
    });
    const beforeTheHeadAgain = received.slice(0, 249).map(({ key }) => key);
    expect(beforeTheHeadAgain).not.toContain(oldest);
    expect(seen.has(oldest)).toBe(true);
    expect(seen).toEqual(all.seen);
  });

  it('ends at a repeated cursor instead of looping', async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', effect: 'repeat-cursor' });
    expect(await crawl()).toMatchObject({ isEndless: true });
  });

  it('throws the errors of readPage', async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', status: 429, retryAfterSeconds: 3 });
    expect(await thrownBy(() => crawl())).toMatchObject({ code: 'rate_limited', retryAfterMs: 3_000 });
  });

  it('stops between pages when aborted', async () => {
    const stop = new AbortController();
    let calls = 0;
    const stopped = crawl((cursor) => {
      calls += 1;
      stop.abort();
      return sandboxApi('local').listSandboxes(cursor);
    }, stop.signal);
    expect(await thrownBy(() => stopped)).toMatchObject({ name: 'AbortError' });
    expect(calls).toBe(1);
  });
});

describe('counts and times', () => {
  const page = (ids: string[], nextCursor: string | null, unreadable = 0): SandboxPage => ({
    sandboxes: ids.map((id, at) => rowWith({ id, startedAtMs: 1_000 - at }).sandbox),
    unreadable,
    nextCursor,
  });

  it('counts unreadable rows once, although the first pages are read twice', async () => {
    const pages: Record<string, SandboxPage> = { '': page(['a', 'b'], '1', 2), '1': page(['c'], null, 3) };
    const { seen, unreadable } = await crawl(async (cursor) => pages[cursor ?? ''] ?? page([], null));
    expect([...seen]).toEqual(['local/a', 'local/b', 'local/c']);
    expect(unreadable).toBe(5);
  });

  it('asks for those started since when it looks for what moved, but for no other', async () => {
    const asked: (number | undefined)[] = [];
    const pages: Record<string, SandboxPage> = { '': page(['a', 'b'], '1'), '1': page(['c'], null) };
    const { seen } = await crawl(async (cursor, startedAfterMs) => {
      asked.push(startedAfterMs);
      // Resumed during the reading, so that it moved to the front.
      return startedAfterMs === undefined ? (pages[cursor ?? ''] ?? page([], null)) : page(['moved'], null);
    });
    expect(asked).toEqual([undefined, undefined, 999]);
    expect([...seen]).toEqual(['local/a', 'local/b', 'local/c', 'local/moved']);
  });

  it('reads a single page only once', async () => {
    let calls = 0;
    await crawl(async () => {
      calls += 1;
      return page(['a'], null);
    });
    expect(calls).toBe(1);
  });

  it('passes the time of each request', async () => {
    const before = Date.now();
    const requestedAtMs: number[] = [];
    await crawlFleet({
      readPage: async (cursor) => (cursor === null ? page(['a'], '1') : page(['b'], null)),
      onPage: (_, atMs) => void requestedAtMs.push(atMs),
      signal: new AbortController().signal,
    });
    expect(requestedAtMs.length).toBeGreaterThan(1);
    expect(requestedAtMs.every((atMs) => atMs >= before && atMs <= Date.now())).toBe(true);
  });
});

describe('a list that does not end', () => {
  let made = 0;
  const endless =
    ({ size = 100, isNew = true, text = '', isUnreadable = false } = {}): ReadPage =>
    async () => {
      made += 1;
      const ids = Array.from({ length: size }, (_, at) => (isNew ? `i${made}-${at}` : `i${at}`));
      return {
        sandboxes: isUnreadable ? [] : ids.map((id) => rowWith({ id, metadata: { text } }).sandbox),
        unreadable: isUnreadable ? size : 0,
        nextCursor: `${made}`,
      };
    };
  const read = async (readPage: ReadPage, limits: Partial<CrawlLimits>) => {
    let [pages, rows] = [0, 0];
    const { isEndless, seen } = await crawlFleet({
      readPage,
      onPage: (page) => {
        pages += 1;
        rows += page.length;
      },
      signal: new AbortController().signal,
      limits,
    });
    expect(isEndless).toBe(true);
    return { pages, rows, seen: seen.size };
  };

  it('is read up to a number of rows, within a page too', async () => {
    expect(await read(endless(), { rows: 1_000 })).toEqual({ pages: 10, rows: 1_000, seen: 1_000 });
    expect(await read(endless({ size: 5_000 }), { rows: 1_000 })).toEqual({
      pages: 1,
      rows: 1_000,
      seen: 1_000,
    });
  });

  it('is read up to a number of pages, characters and a time', async () => {
    expect((await read(endless(), { pages: 7 })).pages).toBe(7);
    expect((await read(endless({ size: 10, text: 'x'.repeat(1_000) }), { chars: 100_000 })).pages).toBe(10);
    const slow: ReadPage = async (cursor) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return endless({ size: 1 })(cursor);
    };
    expect((await read(slow, { ms: 100 })).pages).toBeLessThanOrEqual(6);
  });

  it('is recognized by pages that bring nothing new', async () => {
    expect(await read(endless({ isNew: false }), {})).toEqual({ pages: 21, rows: 2_100, seen: 100 });
    expect((await read(endless({ size: 0 }), {})).pages).toBe(20);
    expect((await read(endless({ isUnreadable: true }), {})).pages).toBe(20);
  });
});
