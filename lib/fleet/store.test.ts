import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';
import type { FleetEvent, FleetSnapshot, FleetStatus } from './delta';
import { FleetStore } from './store';
import { rowWith } from './test-fleet';

const one = (id: string, changes: Partial<Sandbox> = {}) => rowWith({ id, ...changes }).sandbox;

function statusAt(asOfMs: number | null, changes: Partial<FleetStatus> = {}): FleetStatus {
  return {
    asOfMs,
    problem: null,
    unreadable: 0,
    isEndless: false,
    serviceAheadMs: 0,
    maxRunning: null,
    lacking: {},
    ...changes,
  };
}

const hello = (seq: number, { epoch = 'e1', status = statusAt(1) } = {}): FleetEvent => ({
  kind: 'hello',
  epoch,
  seq,
  status,
  sentAtMs: 0,
});

const delta = (seq: number, changed: Sandbox[], removed: SandboxKey[] = []): FleetEvent => ({
  kind: 'delta',
  delta: { seq, changed, removed },
  status: statusAt(1),
  sentAtMs: 0,
});

const snapshot = (
  seq: number,
  ids: string[],
  { epoch = 'e1', status = statusAt(1) } = {},
): FleetSnapshot => ({
  epoch,
  seq,
  sandboxes: ids.map((id) => one(id)),
  status,
});

/** A store whose snapshots the test delivers. */
function openStore() {
  const requests: {
    resolve: (snapshot: FleetSnapshot) => Promise<void>;
    reject: () => Promise<void>;
    signal: AbortSignal;
  }[] = [];
  const store = new FleetStore(
    (signal) =>
      new Promise((resolve, reject) => {
        requests.push({
          signal,
          async resolve(answered) {
            resolve(answered);
            await vi.advanceTimersByTimeAsync(0);
          },
          async reject() {
            reject(new Error('refused'));
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
  );
  const answer = async (answered: FleetSnapshot) => {
    const last = requests.at(-1);
    if (!last) throw new Error('No snapshot was requested.');
    await last.resolve(answered);
  };
  const ids = () => store.view().rows?.map(({ sandbox }) => sandbox.id) ?? null;
  return { store, requests, answer, ids };
}

/** A store that contains `ids` at sequence number 5. */
async function openFilled(...known: string[]) {
  const opened = openStore();
  opened.store.receive(hello(5));
  await opened.answer(snapshot(5, known));
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('the first snapshot', () => {
  it('has a status at once, but rows only with the snapshot', async () => {
    const { store, requests, answer, ids } = openStore();
    const listener = vi.fn();
    store.subscribe(listener);
    expect(store.view()).toEqual({ rows: null, status: statusAt(null) });
    store.receive(hello(5, { status: statusAt(9) }));
    expect(store.view()).toEqual({ rows: null, status: statusAt(9) });
    expect(requests).toHaveLength(1);
    await answer(snapshot(5, ['a', 'b']));
    expect(ids()).toEqual(['a', 'b']);
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('applies deltas received during the reading, each once', async () => {
    const { store, answer, ids } = openStore();
    store.receive(hello(5));
    store.receive(delta(6, [one('x')]));
    store.receive(delta(7, [one('c')], ['local/a']));
    expect(ids()).toBeNull();
    await answer(snapshot(6, ['a', 'b']));
    expect(ids()).toEqual(['b', 'c']);
  });

  it('does not notify removed listeners', () => {
    const { store } = openStore();
    const listener = vi.fn();
    store.subscribe(listener)();
    store.receive(hello(5));
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('deltas', () => {
  it('change, add and remove rows', async () => {
    const { store, requests, ids } = await openFilled('a', 'b');
    store.receive(delta(6, [one('b', { state: 'paused' }), one('c')], ['local/a']));
    expect(ids()).toEqual(['b', 'c']);
    expect(store.find('local/b')?.sandbox.state).toBe('paused');
    expect(store.find('local/a')).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  it('already applied are ignored', async () => {
    const { store, requests, ids } = await openFilled('a');
    store.receive(delta(5, [], ['local/a']));
    store.receive(delta(4, [one('z')]));
    expect(ids()).toEqual(['a']);
    expect(requests).toHaveLength(1);
  });

  it('after a gap cause a new snapshot, while the rows stay', async () => {
    const { store, requests, answer, ids } = await openFilled('a');
    store.receive(delta(7, [one('c')]));
    expect(ids()).toEqual(['a']);
    expect(requests).toHaveLength(2);
    store.receive(delta(8, [one('d')]));
    await answer(snapshot(7, ['b', 'c']));
    expect(ids()).toEqual(['b', 'c', 'd']);
  });

  it('with a gap during the reading cause another snapshot', async () => {
    const { store, requests, answer, ids } = openStore();
    store.receive(hello(5));
    store.receive(delta(6, [one('x')]));
    store.receive(delta(8, [one('z')]));
    await answer(snapshot(5, ['a']));
    expect(requests).toHaveLength(2);
    await answer(snapshot(8, ['a', 'x', 'y', 'z']));
    expect(ids()).toEqual(['a', 'x', 'y', 'z']);
  });
});

describe('reconnecting', () => {
  it('reads nothing if no delta was missed', async () => {
    const { store, requests } = await openFilled('a');
    store.receive(hello(5, { status: statusAt(20) }));
    expect(requests).toHaveLength(1);
    expect(store.view().status.asOfMs).toBe(20);
  });

  it.each([
    ['events were missed', hello(6), snapshot(6, ['b'])],
    ['the server is another', hello(5, { epoch: 'e2' }), snapshot(5, ['b'], { epoch: 'e2' })],
  ])('reads the snapshot when %s', async (_, event, answered) => {
    const { store, requests, answer, ids } = await openFilled('a');
    store.receive(event);
    expect(ids()).toEqual(['a']);
    expect(requests).toHaveLength(2);
    await answer(answered);
    expect(ids()).toEqual(['b']);
  });

  it('aborts an outdated reading', async () => {
    const { store, requests, answer, ids } = openStore();
    store.receive(hello(5));
    store.receive(hello(1, { epoch: 'e2' }));
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    await requests[0]?.resolve(snapshot(5, ['old']));
    expect(ids()).toBeNull();
    await answer(snapshot(1, ['new'], { epoch: 'e2' }));
    expect(ids()).toEqual(['new']);
  });
});

describe('a reading that fails', () => {
  it('keeps the rows and retries once after two seconds', async () => {
    const { store, requests, answer, ids } = await openFilled('a');
    store.receive(delta(9, []));
    await requests[1]?.reject();
    expect(ids()).toEqual(['a']);
    store.receive(delta(10, [one('b')]));
    store.receive(delta(11, []));
    await vi.advanceTimersByTimeAsync(1_999);
    expect(requests).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toHaveLength(3);
    await answer(snapshot(11, ['a', 'b']));
    expect(ids()).toEqual(['a', 'b']);
    store.receive(delta(12, [one('c')]));
    expect(ids()).toEqual(['a', 'b', 'c']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests).toHaveLength(3);
  });

  it('is not retried once the store is closed', async () => {
    const { store, requests } = openStore();
    const listener = vi.fn();
    store.subscribe(listener);
    store.receive(hello(5));
    await requests[0]?.reject();
    listener.mockClear();
    store.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests).toHaveLength(1);
    expect(listener).not.toHaveBeenCalled();
  });

  it('is aborted when the store is closed, and its answer dropped', async () => {
    const { store, requests, ids } = openStore();
    store.receive(hello(5));
    store.close();
    expect(requests[0]?.signal.aborted).toBe(true);
    await requests[0]?.resolve(snapshot(5, ['late']));
    expect(ids()).toBeNull();
  });

  it('is replaced at once by a reconnect', async () => {
    const { store, requests, answer } = openStore();
    store.receive(hello(5));
    await requests[0]?.reject();
    store.receive(hello(6));
    expect(requests).toHaveLength(2);
    await answer(snapshot(6, ['a']));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests).toHaveLength(2);
  });
});

describe('the status', () => {
  const problem = { code: 'unavailable', message: 'Away.' } as const;

  it('changes without the rows', async () => {
    const { store } = await openFilled('a');
    const { rows } = store.view();
    store.receive({ kind: 'status', status: statusAt(1, { problem }), sentAtMs: 0 });
    expect(store.view().rows).toBe(rows);
    expect(store.view().status.problem).toEqual(problem);
  });

  it('of an old snapshot does not replace a newer one from the channel', async () => {
    const { store, answer } = openStore();
    store.receive(hello(5, { status: statusAt(500, { problem }) }));
    await answer(snapshot(5, ['a'], { status: statusAt(400) }));
    expect(store.view().status).toEqual(statusAt(500, { problem }));
    store.receive(hello(6, { status: statusAt(500) }));
    await answer(snapshot(6, ['a'], { status: statusAt(600) }));
    expect(store.view().status).toEqual(statusAt(600));
  });
});
