import { describe, expect, it } from 'vitest';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import { sandboxApi } from '../sandbox-api/configured';
import { idOf } from '../sandbox-key';
import { eventually, localKey } from '../test-support/environment';
import { rowWith } from './test-fleet';
import { listen, setUpEmptyEngine, watch } from './test-watcher';

const engine = setUpEmptyEngine();

describe('recordReading and recordGone', () => {
  it('take precedence over pages requested before', async () => {
    const killed = localKey(await engine.create());
    const paused = localKey(await engine.create());
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held > 0);
    // The delayed page shows both as running.
    await engine.call('DELETE', `/sandboxes/${idOf(killed)}`);
    await engine.call('POST', `/sandboxes/${idOf(paused)}/pause`);
    watcher.recordGone(killed);
    watcher.recordReading(await sandboxApi('local').getSandbox(paused), Date.now());
    const { asOfMs } = watcher.snapshot().status;
    const listener = listen(watcher);
    gate.open();
    await eventually(() => (listener.status()?.asOfMs ?? 0) > (asOfMs ?? 0));
    expect([...rows()].map(([key, { state }]) => [key, state])).toEqual([[paused, 'paused']]);
    expect(listener.deltas()).toEqual([]);
  });

  it('keep a sandbox created during a reading of the list', async () => {
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held > 0);
    const key = localKey(await engine.create());
    watcher.recordReading(await sandboxApi('local').getSandbox(key), Date.now());
    const { asOfMs } = watcher.snapshot().status;
    gate.open();
    await eventually(() => (watcher.snapshot().status.asOfMs ?? 0) > (asOfMs ?? 0));
    expect([...rows().keys()]).toEqual([key]);
  });

  it('are replaced by the next reading', async () => {
    const key = localKey(await engine.create());
    const { watcher, rows } = watch();
    await watcher.ready(20_000);
    watcher.recordReading({ ...(await sandboxApi('local').getSandbox(key)), state: 'paused' }, Date.now());
    expect(rows().get(key)?.state).toBe('paused');
    await eventually(() => {
      watcher.refresh();
      return rows().get(key)?.state === 'running';
    });
  });

  it('keep the template of the list, which the detail of a paused sandbox lacks', async () => {
    const key = localKey(await engine.create());
    const { watcher, rows } = watch();
    await watcher.ready(20_000);
    const listed = rows().get(key);
    await engine.call('POST', `/sandboxes/${idOf(key)}/pause`);
    const detail = await sandboxApi('local').getSandbox(key);
    expect(detail.alias).toBeNull();
    watcher.recordReading(detail, Date.now());
    expect(rows().get(key)).toEqual({ ...detail, alias: 'base', templateId: listed?.templateId });
  });
});

describe('readSince', () => {
  it('returns the row, or null once a complete reading did not find it', async () => {
    const key = localKey(await engine.create({ metadata: { a: 'b' } }));
    const { watcher } = watch();
    expect(await watcher.readSince(key, Date.now())).toMatchObject({
      key,
      id: idOf(key),
      metadata: { a: 'b' },
    });
    await engine.call('DELETE', `/sandboxes/${idOf(key)}`);
    expect(await watcher.readSince(key, Date.now())).toBeNull();
    expect(await watcher.readSince('local/inever', Date.now())).toBeNull();
  });

  it('returns a later reading at once, otherwise reads again', async () => {
    const key = localKey(await engine.create());
    const { watcher, upstream } = watch({ lingerMs: 0 });
    const beforeMs = Date.now() - 1;
    await watcher.readSince(key, beforeMs);
    const calls = upstream.calls.length;
    await Promise.all([watcher.readSince(key, beforeMs), watcher.readSince('local/inever', beforeMs)]);
    expect(upstream.calls.length).toBe(calls);
    await watcher.readSince(key, Date.now());
    expect(upstream.calls.length).toBeGreaterThan(calls);
  });

  it('shares one reading of the list between all callers', async () => {
    const keys = await Promise.all(Array.from({ length: 30 }, async () => localKey(await engine.create())));
    const { watcher, upstream } = watch({ lingerMs: 0 });
    const nowMs = Date.now();
    const read = await Promise.all(keys.map((key) => watcher.readSince(key, nowMs)));
    expect(read.map((sandbox) => sandbox?.key)).toEqual(keys);
    expect(upstream.calls.length).toBeLessThanOrEqual(3);
  });

  it('ignores a page requested too early', async () => {
    const key = localKey(await engine.create());
    const { watcher, upstream } = watch();
    const gate = upstream.hold();
    const first = watcher.readSince(key, Date.now());
    await eventually(() => upstream.held === 1);
    // That page still shows it running.
    await engine.call('POST', `/sandboxes/${idOf(key)}/pause`);
    const second = watcher.readSince(key, Date.now());
    gate.open();
    expect((await first)?.state).toBe('running');
    expect((await second)?.state).toBe('paused');
  });

  it('ignores a reading requested earlier, even if its response arrives late', async () => {
    const key = localKey(await engine.create());
    const { watcher } = watch();
    await watcher.ready(20_000);
    const requestedAtMs = Date.now();
    const answer = await sandboxApi('local').getSandbox(key);
    await engine.call('POST', `/sandboxes/${idOf(key)}/pause`);
    const sinceMs = Date.now();
    watcher.recordReading(answer, requestedAtMs);
    expect((await watcher.readSince(key, sinceMs))?.state).toBe('paused');
    // It does not replace the later reading either.
    watcher.recordReading(answer, requestedAtMs);
    expect(watcher.find(key)?.state).toBe('paused');
  });

  it('waits for a complete reading started later if the sandbox is gone', async () => {
    const key = localKey(await engine.create());
    const { watcher, upstream } = watch();
    await watcher.readSince(key, Date.now());
    await eventually(() => upstream.held === 0);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held === 1);
    // The current reading started too early to prove that the sandbox is gone.
    await engine.call('DELETE', `/sandboxes/${idOf(key)}`);
    upstream.instead = async () => ({ sandboxes: [], unreadable: 0, nextCursor: null });
    const { length } = upstream.calls;
    const reading = watcher.readSince(key, Date.now(), 'gone');
    gate.open();
    expect(await reading).toBeNull();
    expect(upstream.calls.length).toBeGreaterThan(length);
  });

  it('fails with the error of the reading, and leaves no waiter behind', async () => {
    const { watcher, upstream } = watch({ lingerMs: 0 });
    upstream.instead = async () => {
      throw new SandkeeperError('unavailable', 'Away.');
    };
    await expect(watcher.readSince('local/i', Date.now())).rejects.toMatchObject({ code: 'unavailable' });
    upstream.instead = null;
    expect(await watcher.readSince('local/i', Date.now())).toBeNull();
  });

  it('fails when the watcher is closed', async () => {
    const { watcher, upstream } = watch();
    const gate = upstream.hold();
    const reading = watcher.readSince('local/i', Date.now()).catch((error) => error);
    await eventually(() => upstream.held === 1);
    const closing = watcher.close();
    gate.open();
    await closing;
    expect(await reading).toBeInstanceOf(Error);
    await expect(watcher.readSince('local/i', Date.now())).rejects.toThrow();
  });
});

describe('a sandbox on a later page', () => {
  type Page = { ids: string[]; next: string | null };

  /** A fleet of three pages that can change during a reading. Responses for held cursors are delayed. */
  async function watchPages() {
    const pages = new Map<string | null, Page>([
      [null, { ids: ['a1', 'a2'], next: 'p2' }],
      ['p2', { ids: ['b1', 'b2'], next: 'p3' }],
      ['p3', { ids: ['c1', 'c2'], next: null }],
    ]);
    const failing = new Set<string | null>();
    // Long enough that no page is read in between.
    const { watcher, upstream, rows } = watch({ readPauseMs: 3_000 });
    upstream.instead = async (cursor) => {
      const page = pages.get(cursor) ?? { ids: [], next: null };
      const sandboxes = page.ids.map(
        (id) => rowWith({ id, startedAtMs: id.startsWith('a') ? 3_000 : 2_000 }).sandbox,
      );
      if (failing.has(cursor)) throw new SandkeeperError('unavailable', 'Away.');
      return { sandboxes, unreadable: 0, nextCursor: page.next };
    };
    await watcher.ready(20_000);
    upstream.calls.length = 0;
    return {
      watcher,
      upstream,
      rows,
      pages,
      failing,
      requestedCursors: () => upstream.calls.map(({ cursor }) => cursor),
    };
  }

  it('is read from its last page, without the pages before it', async () => {
    const { watcher, requestedCursors } = await watchPages();
    const nowMs = Date.now();
    const read = await Promise.all(
      (['local/c1', 'local/c2'] as const).map((key) => watcher.readSince(key, nowMs)),
    );
    expect(read.map((sandbox) => sandbox?.id)).toEqual(['c1', 'c2']);
    expect(requestedCursors()).toEqual(['p3']);
  });

  it('is not read from a page requested before the call', async () => {
    const { watcher, upstream, pages } = await watchPages();
    const gate = upstream.hold();
    const first = watcher.readSince('local/c1', Date.now());
    await eventually(() => upstream.held === 1);
    const sentAtMs = upstream.calls[0]?.atMs ?? 0;
    const early = watcher.readSince('local/c2', sentAtMs - 1);
    const late = watcher.readSince('local/c2', sentAtMs);
    pages.set('p3', { ids: ['c1'], next: null });
    gate.open();
    expect((await first)?.id).toBe('c1');
    expect((await early)?.id).toBe('c2');
    expect(await late).toBeNull();
  });

  it('counts as gone only after a complete reading', async () => {
    const { watcher, upstream, rows, pages, requestedCursors } = await watchPages();
    pages.set('p3', { ids: ['c1'], next: null });
    const gate = upstream.hold();
    let answer: Sandbox | null | undefined;
    const reading = watcher.readSince('local/c2', Date.now()).then((sandbox) => {
      answer = sandbox;
    });
    await eventually(() => upstream.held === 1);
    gate.open();
    const walk = upstream.hold();
    await eventually(() => requestedCursors().includes(null) && upstream.held === 1);
    expect([answer, rows().has('local/c2')]).toEqual([undefined, true]);
    walk.open();
    await reading;
    expect([answer, rows().has('local/c2')]).toEqual([null, false]);
    // Its page, then every page, then the first page again.
    expect(requestedCursors()).toEqual(['p3', null, 'p2', 'p3', null, 'p2']);
  });

  it('that moved to another page is found by the complete reading', async () => {
    const { watcher, pages } = await watchPages();
    pages.set('p3', { ids: ['c1'], next: null });
    pages.set(null, { ids: ['c2', 'a1'], next: 'p2' });
    pages.set('p2', { ids: ['a2', 'b1', 'b2'], next: 'p3' });
    expect((await watcher.readSince('local/c2', Date.now()))?.id).toBe('c2');
    expect((await watcher.readSince('local/a2', Date.now()))?.id).toBe('a2');
  });

  it('that is expected to be gone is not read from its last page', async () => {
    const { watcher, pages, requestedCursors } = await watchPages();
    pages.set('p3', { ids: ['c1'], next: null });
    expect(await watcher.readSince('local/c2', Date.now(), 'gone')).toBeNull();
    expect(requestedCursors()[0]).toBeNull();
  });

  it('is read with the whole list if its page fails, and fails with it', async () => {
    const { watcher, failing } = await watchPages();
    failing.add('p3');
    await expect(watcher.readSince('local/c2', Date.now())).rejects.toMatchObject({ code: 'unavailable' });
    failing.clear();
    expect((await watcher.readSince('local/c2', Date.now()))?.id).toBe('c2');
  });

  it('that arrived during a reading is not removed at its end', async () => {
    const { watcher, upstream, rows, pages } = await watchPages();
    const listener = listen(watcher);
    // The sandbox arrives on the first page after that was read. A reading of that page finds it.
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held === 1);
    pages.set(null, { ids: ['a0', 'a1', 'a2'], next: 'p2' });
    const reading = watcher.readSince('local/a1', Date.now());
    await eventually(() => upstream.held === 2);
    pages.set(null, { ids: ['a1', 'a2'], next: null });
    gate.open();
    await reading;
    const { asOfMs } = watcher.snapshot().status;
    await eventually(() => (listener.status()?.asOfMs ?? 0) > (asOfMs ?? 0));
    expect(listener.deltas()[0]?.changed.map(({ id }) => id)).toEqual(['a0']);
    await eventually(() => !rows().has('local/a0'));
  });
});

describe('a watcher at rest', () => {
  /** Three pages with one row each. */
  function watchThreePages(options: Parameters<typeof watch>[0]) {
    const watched = watch(options);
    const rows = ['c1', 'b1', 'a1'].map((id, at) => rowWith({ id, startedAtMs: 3_000 - at }).sandbox);
    watched.upstream.instead = async (cursor) => {
      const at = Number(cursor ?? 0);
      return { sandboxes: rows.slice(at, at + 1), unreadable: 0, nextCursor: at < 2 ? `${at + 1}` : null };
    };
    return { ...watched, rows };
  }
  const cursorsOf = ({ calls }: { calls: readonly { cursor: string | null }[] }) =>
    calls.map(({ cursor }) => cursor);

  it('reads the first page between two complete readings', async () => {
    const { watcher, upstream } = watchThreePages({ readPauseMs: 50 });
    const listener = listen(watcher);
    await eventually(() => listener.status()?.asOfMs != null);
    await eventually(() => /(null,){3}/.test(`${cursorsOf(upstream).map(String)},`));
  });

  it('shows a change of the first page without a complete reading', async () => {
    const { watcher, upstream, rows } = watchThreePages({ readPauseMs: 50 });
    const listener = listen(watcher);
    await eventually(() => listener.status()?.asOfMs != null);
    // The other pages have not changed for a while.
    await eventually(() => /(null,){3}$/.test(`${cursorsOf(upstream).map(String)},`));
    rows[0] = rowWith({ id: 'c1', startedAtMs: 3_000, state: 'paused' }).sandbox;
    upstream.calls.length = 0;
    await eventually(() => watcher.find('local/c1')?.state === 'paused');
    expect(cursorsOf(upstream)).not.toContain('2');
  });

  it('reads seldom while nobody looks, and at once when somebody does', async () => {
    const { watcher, upstream } = watchThreePages({ lingerMs: 0, idlePauseMs: 600_000 });
    watcher.start();
    await eventually(() => upstream.calls.length > 0);
    await watcher.ready(10_000);
    const reading = upstream.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(upstream.calls.length).toBe(reading);
    await watcher.ready(10_000);
    expect(upstream.calls.length).toBeGreaterThan(reading);
  });

  it('goes on reading while nobody looks', async () => {
    const { watcher, upstream } = watchThreePages({ lingerMs: 0, idlePauseMs: 20 });
    watcher.start();
    await eventually(() => cursorsOf(upstream).filter((cursor) => cursor === '2').length >= 3);
  });
});
