import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import { getSandbox, listSandboxes } from '../sandbox-api/control';
import { maxRunning } from '../sandbox-api/local-engine';
import { eventually, setUpEngine } from '../test-support/environment';
import type { ReadPage } from './crawl';
import type { FleetEvent, FleetStatus } from './delta';
import { rowWith } from './test-fleet';
import { FleetWatcher } from './watcher';

const engine = setUpEngine();
beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
  const { sandboxes } = await listSandboxes(null);
  for (const { id } of sandboxes) await engine.call('DELETE', `/sandboxes/${id}`);
});

type Gate = { open: () => void };

/** A watcher of the engine whose readings are recorded and can be delayed or replaced. */
function watch({ lingerMs = 15_000, readPauseMs = 150, limits = {} } = {}) {
  const upstream = {
    calls: [] as { atMs: number; cursor: string | null }[],
    /** Replaces `listSandboxes` while it is set. */
    instead: null as ReadPage | null,
    gate: null as Promise<void> | null,
    /** The number of delayed responses. */
    held: 0,
    /** Delays every response until the gate opens. */
    hold(): Gate {
      let open = () => {};
      upstream.gate = new Promise((resolve) => {
        open = () => {
          upstream.gate = null;
          resolve();
        };
      });
      return { open };
    },
  };
  const watcher = new FleetWatcher({
    async readPage(cursor) {
      upstream.calls.push({ atMs: Date.now(), cursor });
      const page = await (upstream.instead ?? listSandboxes)(cursor);
      upstream.held += 1;
      await upstream.gate;
      upstream.held -= 1;
      return page;
    },
    readMaxRunning: maxRunning,
    lingerMs,
    readPauseMs,
    limits,
    publishMs: 50,
  });
  onTestFinished(() => watcher.close());
  const rows = () => new Map(watcher.snapshot().sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  return { watcher, upstream, rows };
}

/** Records the events of a listener, and the fleet that results from them. */
function listen(watcher: FleetWatcher) {
  const events: FleetEvent[] = [];
  const known = new Map<string, Sandbox>();
  let status: FleetStatus | null = null;
  const stop = watcher.listen((event) => {
    events.push(event);
    status = event.status;
    if (event.kind !== 'delta') return;
    for (const sandbox of event.delta.changed) known.set(sandbox.id, sandbox);
    for (const id of event.delta.removed) known.delete(id);
  });
  return {
    events,
    known,
    stop,
    status: () => status,
    deltas: () => events.flatMap((event) => (event.kind === 'delta' ? [event.delta] : [])),
  };
}

describe('reading', () => {
  it('is ready after the first complete reading', async () => {
    const ids = await Promise.all([engine.create(), engine.create()]);
    const { watcher, upstream } = watch();
    expect(watcher.snapshot()).toMatchObject({ seq: 0, sandboxes: [], status: { asOfMs: null } });
    const before = Date.now();
    await watcher.ready(20_000);
    const { sandboxes, status } = watcher.snapshot();
    expect(new Set(sandboxes.map(({ id }) => id))).toEqual(new Set(ids));
    expect(status).toEqual({
      asOfMs: expect.any(Number),
      problem: null,
      unreadable: 0,
      isEndless: false,
      serviceAheadMs: 0,
      maxRunning: 1_000,
    });
    expect(status.asOfMs).toBeGreaterThanOrEqual(before);
    expect(upstream.calls).toHaveLength(1);
  });

  it('is awaited only until the timeout', async () => {
    const { watcher, upstream } = watch();
    const gate = upstream.hold();
    const before = Date.now();
    await watcher.ready(50);
    expect(Date.now() - before).toBeLessThan(15_000);
    expect(watcher.snapshot().status.asOfMs).toBeNull();
    gate.open();
  });

  it('is shared by all listeners', async () => {
    await engine.create();
    const alone = watch({ readPauseMs: 500 });
    const crowded = watch({ readPauseMs: 500 });
    listen(alone.watcher);
    for (let viewer = 0; viewer < 20; viewer += 1) listen(crowded.watcher);
    await eventually(() => alone.upstream.calls.length >= 3 && crowded.upstream.calls.length >= 3);
    expect(Math.abs(alone.upstream.calls.length - crowded.upstream.calls.length)).toBeLessThanOrEqual(1);
    const gaps = crowded.upstream.calls
      .slice(1)
      .map(({ atMs }, at) => atMs - (crowded.upstream.calls[at]?.atMs ?? 0));
    for (const gapMs of gaps) expect(gapMs).toBeGreaterThan(450);
  });

  it('stops without listeners and starts again with one', async () => {
    const { watcher, upstream } = watch({ lingerMs: 100 });
    const first = listen(watcher);
    const second = listen(watcher);
    await eventually(() => upstream.calls.length >= 1);
    first.stop();
    await eventually(() => upstream.calls.length >= 2);
    second.stop();
    await eventually(() => Date.now() - (upstream.calls.at(-1)?.atMs ?? 0) > 1_500);
    const { length } = upstream.calls;
    const id = await engine.create();
    const third = listen(watcher);
    await eventually(() => third.known.has(id));
    expect(upstream.calls.length).toBeGreaterThan(length);
  });

  it('starts at once on refresh', async () => {
    const { watcher, upstream } = watch({ readPauseMs: 2_000 });
    await watcher.ready(20_000);
    const before = Date.now();
    for (let time = 0; time < 10; time += 1) {
      const { length } = upstream.calls;
      watcher.refresh();
      await eventually(() => upstream.calls.length > length);
    }
    // Without refresh, ten readings take twenty seconds.
    expect(Date.now() - before).toBeLessThan(8_000);
  });

  it('ends with close', async () => {
    const { watcher, upstream } = watch();
    listen(watcher);
    await eventually(() => upstream.calls.length >= 1);
    await watcher.close();
    const { length } = upstream.calls;
    watcher.refresh();
    await watcher.ready(1_200);
    expect(upstream.calls).toHaveLength(length);
  });
});

describe('publishing', () => {
  it('starts with a hello and continues without gaps', async () => {
    const { watcher } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    const { epoch, seq } = watcher.snapshot();
    expect(listener.events[0]).toMatchObject({ kind: 'hello', epoch, seq });
    const id = await engine.create({ metadata: { owner: 'ana' } });
    const stateBecomes = async (state: string | undefined) => {
      watcher.refresh();
      await eventually(() => listener.known.get(id)?.state === state);
    };
    await stateBecomes('running');
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await stateBecomes('paused');
    await engine.call('DELETE', `/sandboxes/${id}`);
    await stateBecomes(undefined);
    const numbers = listener.deltas().map((delta) => delta.seq);
    expect(numbers).toEqual(numbers.map((_, at) => seq + 1 + at));
    expect(watcher.snapshot().seq).toBe(numbers.at(-1));
  });

  it('combines close changes into one delta', async () => {
    const { watcher, upstream } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    const gate = upstream.hold();
    const [a, b] = await Promise.all([engine.create(), engine.create()]);
    const [first, second] = await Promise.all([getSandbox(a ?? ''), getSandbox(b ?? '')]);
    watcher.recordReading(first, Date.now());
    watcher.recordReading(second, Date.now());
    watcher.recordReading({ ...second, state: 'paused' }, Date.now());
    watcher.recordGone(first.id);
    expect(listener.deltas()).toEqual([]);
    await eventually(() => listener.deltas().length > 0);
    expect(listener.deltas()[0]).toMatchObject({
      changed: [{ id: second.id, state: 'paused' }],
      removed: [first.id],
    });
    gate.open();
  });

  it('publishes a reading without changes as a status', async () => {
    await engine.create();
    const { watcher } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    const asOfMs = watcher.snapshot().status.asOfMs ?? 0;
    await eventually(() => (listener.status()?.asOfMs ?? 0) > asOfMs);
    expect(listener.events.map(({ kind }) => kind)).toEqual(['hello', 'status']);
  });

  it('gives a later listener the whole fleet', async () => {
    const { watcher } = watch();
    await watcher.ready(20_000);
    const early = listen(watcher);
    watcher.recordReading(await getSandbox(await engine.create()), Date.now());
    const late = listen(watcher);
    expect(early.deltas().at(-1)?.seq).toBe(watcher.snapshot().seq);
    expect(late.events).toHaveLength(1);
    expect(late.events[0]).toMatchObject({ kind: 'hello', seq: watcher.snapshot().seq });
  });
});

describe('removing', () => {
  it('waits for a complete reading', async () => {
    const id = await engine.create();
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    upstream.instead = async (cursor) => {
      if (cursor === null) return { sandboxes: [], unreadable: 0, nextCursor: 'more' };
      throw new SandkeeperError('unavailable', 'Gone away.');
    };
    watcher.refresh();
    await eventually(() => listener.status()?.problem != null);
    expect(rows().has(id)).toBe(true);
    upstream.instead = async () => ({ sandboxes: [], unreadable: 3, nextCursor: null });
    watcher.refresh();
    await eventually(() => listener.status()?.problem === null);
    expect(rows().has(id)).toBe(false);
    expect(listener.status()?.unreadable).toBe(3);
  });
});

describe('a service that fails', () => {
  it('keeps the last rows with the problem, and clears it after recovery', async () => {
    const id = await engine.create();
    const { watcher, rows } = watch();
    await watcher.ready(20_000);
    const asOfMs = watcher.snapshot().status.asOfMs;
    const listener = listen(watcher);
    await engine.fault({ route: 'GET /v2/sandboxes', status: 503 });
    watcher.refresh();
    await eventually(() => listener.status()?.problem?.code === 'unavailable');
    expect(listener.status()).toMatchObject({
      problem: { message: 'The sandbox service cannot be reached or has a problem.' },
    });
    expect(listener.status()?.asOfMs ?? 0).toBeGreaterThanOrEqual(asOfMs ?? 0);
    expect([...rows().keys()]).toEqual([id]);
    await engine.clearFaults();
    watcher.refresh();
    await eventually(() => listener.status()?.problem === null);
    expect(listener.deltas()).toEqual([]);
  });

  it('does not delay the first page', async () => {
    await engine.fault({ route: 'GET /v2/sandboxes', status: 500 });
    const { watcher } = watch();
    const before = Date.now();
    await watcher.ready(30_000);
    expect(Date.now() - before).toBeLessThan(20_000);
    expect(watcher.snapshot().status).toMatchObject({ asOfMs: null, problem: { code: 'unavailable' } });
  });

  it('is not read before its Retry-After', async () => {
    const { watcher, upstream } = watch();
    await engine.fault({ route: 'GET /v2/sandboxes', status: 429, retryAfterSeconds: 2, count: 1 });
    const listener = listen(watcher);
    await eventually(() => listener.status()?.problem?.code === 'rate_limited');
    expect(listener.status()?.problem?.retryAfterMs).toBe(2_000);
    await eventually(() => listener.status()?.problem === null);
    const [first, second] = upstream.calls;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(1_990);
  });

  it('is read again after at most ten minutes, whatever its Retry-After', async () => {
    const { watcher, upstream } = watch();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    upstream.instead = async () => {
      throw new SandkeeperError('rate_limited', 'Never again.', { retryAfterMs: 2 ** 40 });
    };
    await watcher.ready(20_000);
    await eventually(() => timers.mock.calls.some(([, ms]) => ms === 600_000));
    expect(upstream.calls).toHaveLength(1);
  });
});

describe('recordReading and recordGone', () => {
  it('take precedence over pages requested before', async () => {
    const [killed = '', paused = ''] = await Promise.all([engine.create(), engine.create()]);
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held > 0);
    // The delayed page shows both as running.
    await engine.call('DELETE', `/sandboxes/${killed}`);
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    watcher.recordGone(killed);
    watcher.recordReading(await getSandbox(paused), Date.now());
    const { asOfMs } = watcher.snapshot().status;
    const listener = listen(watcher);
    gate.open();
    await eventually(() => (listener.status()?.asOfMs ?? 0) > (asOfMs ?? 0));
    expect([...rows()].map(([id, { state }]) => [id, state])).toEqual([[paused, 'paused']]);
    expect(listener.deltas()).toEqual([]);
  });

  it('keep a sandbox created during a reading of the list', async () => {
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held > 0);
    const id = await engine.create();
    watcher.recordReading(await getSandbox(id), Date.now());
    const { asOfMs } = watcher.snapshot().status;
    gate.open();
    await eventually(() => (watcher.snapshot().status.asOfMs ?? 0) > (asOfMs ?? 0));
    expect([...rows().keys()]).toEqual([id]);
  });

  it('are replaced by the next reading', async () => {
    const id = await engine.create();
    const { watcher, rows } = watch();
    await watcher.ready(20_000);
    watcher.recordReading({ ...(await getSandbox(id)), state: 'paused' }, Date.now());
    expect(rows().get(id)?.state).toBe('paused');
    await eventually(() => {
      watcher.refresh();
      return rows().get(id)?.state === 'running';
    });
  });

  it('keep the template of the list, which the detail of a paused sandbox lacks', async () => {
    const id = await engine.create();
    const { watcher, rows } = watch();
    await watcher.ready(20_000);
    const listed = rows().get(id);
    await engine.call('POST', `/sandboxes/${id}/pause`);
    const detail = await getSandbox(id);
    expect(detail.alias).toBeNull();
    watcher.recordReading(detail, Date.now());
    expect(rows().get(id)).toEqual({ ...detail, alias: 'base', templateId: listed?.templateId });
  });
});

describe('readSince', () => {
  it('returns the row, or null once a complete reading did not find it', async () => {
    const id = await engine.create({ metadata: { a: 'b' } });
    const { watcher } = watch();
    expect(await watcher.readSince(id, Date.now())).toMatchObject({ id, metadata: { a: 'b' } });
    await engine.call('DELETE', `/sandboxes/${id}`);
    expect(await watcher.readSince(id, Date.now())).toBeNull();
    expect(await watcher.readSince('inever', Date.now())).toBeNull();
  });

  it('returns a later reading at once, otherwise reads again', async () => {
    const id = await engine.create();
    const { watcher, upstream } = watch({ lingerMs: 0 });
    const beforeMs = Date.now() - 1;
    await watcher.readSince(id, beforeMs);
    const calls = upstream.calls.length;
    await Promise.all([watcher.readSince(id, beforeMs), watcher.readSince('inever', beforeMs)]);
    expect(upstream.calls.length).toBe(calls);
    await watcher.readSince(id, Date.now());
    expect(upstream.calls.length).toBeGreaterThan(calls);
  });

  it('shares one reading of the list between all callers', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => engine.create()));
    const { watcher, upstream } = watch({ lingerMs: 0 });
    const nowMs = Date.now();
    const read = await Promise.all(ids.map((id) => watcher.readSince(id, nowMs)));
    expect(read.map((sandbox) => sandbox?.id)).toEqual(ids);
    expect(upstream.calls.length).toBeLessThanOrEqual(3);
  });

  it('ignores a page requested too early', async () => {
    const id = await engine.create();
    const { watcher, upstream } = watch();
    const gate = upstream.hold();
    const first = watcher.readSince(id, Date.now());
    await eventually(() => upstream.held === 1);
    // That page still shows it running.
    await engine.call('POST', `/sandboxes/${id}/pause`);
    const second = watcher.readSince(id, Date.now());
    gate.open();
    expect((await first)?.state).toBe('running');
    expect((await second)?.state).toBe('paused');
  });

  it('ignores a reading requested earlier, even if its response arrives late', async () => {
    const id = await engine.create();
    const { watcher } = watch();
    await watcher.ready(20_000);
    const requestedAtMs = Date.now();
    const answer = await getSandbox(id);
    await engine.call('POST', `/sandboxes/${id}/pause`);
    const sinceMs = Date.now();
    watcher.recordReading(answer, requestedAtMs);
    expect((await watcher.readSince(id, sinceMs))?.state).toBe('paused');
    // It does not replace the later reading either.
    watcher.recordReading(answer, requestedAtMs);
    expect(watcher.find(id)?.state).toBe('paused');
  });

  it('waits for a complete reading started later if the sandbox is gone', async () => {
    const id = await engine.create();
    const { watcher, upstream } = watch();
    await watcher.readSince(id, Date.now());
    await eventually(() => upstream.held === 0);
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held === 1);
    // The current reading started too early to prove that the sandbox is gone.
    upstream.instead = async () => ({ sandboxes: [], unreadable: 0, nextCursor: null });
    const { length } = upstream.calls;
    const reading = watcher.readSince(id, Date.now(), 'gone');
    gate.open();
    expect(await reading).toBeNull();
    expect(upstream.calls.length).toBeGreaterThan(length);
  });

  it('fails with the error of the reading, and leaves no waiter behind', async () => {
    const { watcher, upstream } = watch({ lingerMs: 0 });
    upstream.instead = async () => {
      throw new SandkeeperError('unavailable', 'Away.');
    };
    await expect(watcher.readSince('i', Date.now())).rejects.toMatchObject({ code: 'unavailable' });
    upstream.instead = null;
    expect(await watcher.readSince('i', Date.now())).toBeNull();
  });

  it('fails when the watcher is closed', async () => {
    const { watcher, upstream } = watch();
    const gate = upstream.hold();
    const reading = watcher.readSince('i', Date.now()).catch((error) => error);
    await eventually(() => upstream.held === 1);
    const closing = watcher.close();
    gate.open();
    await closing;
    expect(await reading).toBeInstanceOf(Error);
    await expect(watcher.readSince('i', Date.now())).rejects.toThrow();
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
    const { watcher, upstream, rows } = watch();
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
    const read = await Promise.all(['c1', 'c2'].map((id) => watcher.readSince(id, nowMs)));
    expect(read.map((sandbox) => sandbox?.id)).toEqual(['c1', 'c2']);
    expect(requestedCursors()).toEqual(['p3']);
  });

  it('is not read from a page requested before the call', async () => {
    const { watcher, upstream, pages } = await watchPages();
    const gate = upstream.hold();
    const first = watcher.readSince('c1', Date.now());
    await eventually(() => upstream.held === 1);
    const sentAtMs = upstream.calls[0]?.atMs ?? 0;
    const early = watcher.readSince('c2', sentAtMs - 1);
    const late = watcher.readSince('c2', sentAtMs);
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
    const reading = watcher.readSince('c2', Date.now()).then((sandbox) => {
      answer = sandbox;
    });
    await eventually(() => upstream.held === 1);
    gate.open();
    const walk = upstream.hold();
    await eventually(() => requestedCursors().includes(null) && upstream.held === 1);
    expect([answer, rows().has('c2')]).toEqual([undefined, true]);
    walk.open();
    await reading;
    expect([answer, rows().has('c2')]).toEqual([null, false]);
    // Its page, then every page, then the first page again.
    expect(requestedCursors()).toEqual(['p3', null, 'p2', 'p3', null, 'p2']);
  });

  it('that moved to another page is found by the complete reading', async () => {
    const { watcher, pages } = await watchPages();
    pages.set('p3', { ids: ['c1'], next: null });
    pages.set(null, { ids: ['c2', 'a1'], next: 'p2' });
    pages.set('p2', { ids: ['a2', 'b1', 'b2'], next: 'p3' });
    expect((await watcher.readSince('c2', Date.now()))?.id).toBe('c2');
    expect((await watcher.readSince('a2', Date.now()))?.id).toBe('a2');
  });

  it('that is expected to be gone is not read from its last page', async () => {
    const { watcher, pages, requestedCursors } = await watchPages();
    pages.set('p3', { ids: ['c1'], next: null });
    expect(await watcher.readSince('c2', Date.now(), 'gone')).toBeNull();
    expect(requestedCursors()[0]).toBeNull();
  });

  it('is read with the whole list if its page fails, and fails with it', async () => {
    const { watcher, failing } = await watchPages();
    failing.add('p3');
    await expect(watcher.readSince('c2', Date.now())).rejects.toMatchObject({ code: 'unavailable' });
    failing.clear();
    expect((await watcher.readSince('c2', Date.now()))?.id).toBe('c2');
  });

  it('that arrived during a reading is not removed at its end', async () => {
    const { watcher, upstream, rows, pages } = await watchPages();
    const listener = listen(watcher);
    // The sandbox arrives on the first page after that was read. A reading of that page finds it.
    const gate = upstream.hold();
    watcher.refresh();
    await eventually(() => upstream.held === 1);
    pages.set(null, { ids: ['a0', 'a1', 'a2'], next: 'p2' });
    const reading = watcher.readSince('a1', Date.now());
    await eventually(() => upstream.held === 2);
    pages.set(null, { ids: ['a1', 'a2'], next: null });
    gate.open();
    await reading;
    const { asOfMs } = watcher.snapshot().status;
    await eventually(() => (listener.status()?.asOfMs ?? 0) > (asOfMs ?? 0));
    expect(listener.deltas()[0]?.changed.map(({ id }) => id)).toEqual(['a0']);
    await eventually(() => !rows().has('a0'));
  });
});

describe('a list that does not end', () => {
  it('is shown as far as it is read, keeps a bounded number of rows and proves nothing gone', async () => {
    const { watcher, upstream, rows } = watch({ limits: { rows: 300 } });
    const real = await engine.create();
    await watcher.ready(5_000);
    let made = 0;
    upstream.instead = async () => {
      made += 1;
      const ids = Array.from({ length: 100 }, (_, at) => `i${made}-${at}`);
      return { sandboxes: ids.map((id) => rowWith({ id }).sandbox), unreadable: 0, nextCursor: `${made}` };
    };
    const checking = watcher.readSince(real, Date.now(), 'gone').catch((error: unknown) => error);
    await eventually(() => watcher.isEndless);
    expect(watcher.snapshot().status).toMatchObject({ problem: null, isEndless: true });
    expect(await checking).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not end'),
    });
    const first = made;
    watcher.refresh();
    await eventually(() => made > first);
    await eventually(() => rows().size <= 300);
    expect(watcher.findGone(real)).toBeUndefined();
    upstream.instead = null;
    watcher.refresh();
    await eventually(() => !watcher.isEndless);
    expect([...rows().keys()]).toEqual([real]);
  });
});
