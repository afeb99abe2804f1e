import { describe, expect, it, vi } from 'vitest';
import { SandkeeperError } from '../errors';
import { sandboxApi } from '../sandbox-api/configured';
import { idOf } from '../sandbox-key';
import { eventually, localKey } from '../test-support/environment';
import { rowWith } from './test-fleet';
import { listen, setUpEmptyEngine, watch } from './test-watcher';

const engine = setUpEmptyEngine();

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
      lacking: expect.not.objectContaining({ pause: expect.any(String) }),
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
    const key = localKey(await engine.create());
    const third = listen(watcher);
    await eventually(() => third.known.has(key));
    expect(upstream.calls.length).toBeGreaterThan(length);
  });

  it('starts at once on refresh', async () => {
    const { watcher, upstream } = watch({ readPauseMs: 20_000 });
    await watcher.ready(20_000);
    const before = Date.now();
    for (let time = 0; time < 10; time += 1) {
      const { length } = upstream.calls;
      watcher.refresh();
      await eventually(() => upstream.calls.length > length);
    }
    // Without refresh, ten readings take 200 seconds.
    expect(Date.now() - before).toBeLessThan(60_000);
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

describe('an empty list', () => {
  it('is not believed while a known sandbox exists', async () => {
    const key = localKey(await engine.create());
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    upstream.instead = async () => ({ sandboxes: [], unreadable: 0, nextCursor: null });
    watcher.refresh();
    await eventually(() => watcher.snapshot().status.problem !== null);
    expect(watcher.snapshot().status.problem).toMatchObject({
      code: 'unavailable',
      message: 'The sandbox service lists no sandboxes, although some exist.',
    });
    expect([...rows().keys()]).toEqual([key]);
    await engine.call('DELETE', `/sandboxes/${idOf(key)}`);
    watcher.refresh();
    await eventually(() => rows().size === 0);
    expect(watcher.snapshot().status.problem).toBeNull();
  });
});

describe('publishing', () => {
  it('starts with a hello and continues without gaps', async () => {
    const { watcher } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    const { epoch, seq } = watcher.snapshot();
    expect(listener.events[0]).toMatchObject({ kind: 'hello', epoch, seq });
    const key = localKey(await engine.create({ metadata: { owner: 'ana' } }));
    const stateBecomes = async (state: string | undefined) => {
      watcher.refresh();
      await eventually(() => listener.known.get(key)?.state === state);
    };
    await stateBecomes('running');
    await engine.call('POST', `/sandboxes/${idOf(key)}/pause`);
    await stateBecomes('paused');
    await engine.call('DELETE', `/sandboxes/${idOf(key)}`);
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
    const [first, second] = await Promise.all([
      sandboxApi('local').getSandbox(localKey(a ?? '')),
      sandboxApi('local').getSandbox(localKey(b ?? '')),
    ]);
    watcher.recordReading(first, Date.now());
    watcher.recordReading(second, Date.now());
    watcher.recordReading({ ...second, state: 'paused' }, Date.now());
    watcher.recordGone(first.key);
    expect(listener.deltas()).toEqual([]);
    await eventually(() => listener.deltas().length > 0);
    expect(listener.deltas()[0]).toMatchObject({
      changed: [{ key: second.key, id: second.id, state: 'paused' }],
      removed: [first.key],
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
    watcher.recordReading(await sandboxApi('local').getSandbox(localKey(await engine.create())), Date.now());
    const late = listen(watcher);
    expect(early.deltas().at(-1)?.seq).toBe(watcher.snapshot().seq);
    expect(late.events).toHaveLength(1);
    expect(late.events[0]).toMatchObject({ kind: 'hello', seq: watcher.snapshot().seq });
  });
});

describe('removing', () => {
  it('waits for a complete reading', async () => {
    const key = localKey(await engine.create());
    const { watcher, upstream, rows } = watch();
    await watcher.ready(20_000);
    const listener = listen(watcher);
    upstream.instead = async (cursor) => {
      if (cursor === null) return { sandboxes: [], unreadable: 0, nextCursor: 'more' };
      throw new SandkeeperError('unavailable', 'Gone away.');
    };
    watcher.refresh();
    await eventually(() => listener.status()?.problem != null);
    expect(rows().has(key)).toBe(true);
    await engine.call('DELETE', `/sandboxes/${idOf(key)}`);
    upstream.instead = async () => ({ sandboxes: [], unreadable: 3, nextCursor: null });
    watcher.refresh();
    await eventually(() => listener.status()?.problem === null);
    expect(rows().has(key)).toBe(false);
    expect(listener.status()?.unreadable).toBe(3);
  });
});

describe('a service that fails', () => {
  it('keeps the last rows with the problem, and clears it after recovery', async () => {
    const key = localKey(await engine.create());
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
    expect([...rows().keys()]).toEqual([key]);
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

describe('a list that does not end', () => {
  it('is shown as far as it is read, keeps a bounded number of rows and proves nothing gone', async () => {
    const { watcher, upstream, rows } = watch({ limits: { rows: 300 } });
    const real = localKey(await engine.create());
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
