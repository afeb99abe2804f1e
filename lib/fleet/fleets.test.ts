import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ShownConnection } from '../connection';
import type { Sandbox } from '../sandbox/schema';
import { type ConnectionName, keyOf, type SandboxKey } from '../sandbox-key';
import { type FleetEvent, type FleetSnapshot, type FleetStatus, NOTHING_READ } from './delta';
import { Fleets, lackingOf, NO_FLEETS } from './fleets';
import { rowWith } from './test-fleet';

const shown = (name: ConnectionName): ShownConnection => ({
  name,
  title: name,
  label: null,
  kind: 'moru',
  host: `api.${name}.example`,
  variables: {},
});
const PROD = shown('prod');
const DEV = shown('dev');

const one = (connection: ConnectionName, id: string, changes: Partial<Sandbox> = {}) =>
  rowWith({ key: keyOf(connection, id), id, ...changes }).sandbox;
const statusWith = (changes: Partial<FleetStatus> = {}): FleetStatus => ({
  ...NOTHING_READ,
  asOfMs: 1,
  ...changes,
});

/** Fleets whose messages and snapshots the test delivers. */
function openFleets() {
  const receivers = new Map<ConnectionName, (event: FleetEvent) => void>();
  const requests: {
    name: ConnectionName;
    signal: AbortSignal;
    resolve: (snapshot: FleetSnapshot) => void;
  }[] = [];
  const made = new Fleets({
    fetchSnapshot: (name, signal) => new Promise((resolve) => void requests.push({ name, signal, resolve })),
    follow: (name, receive) => {
      if (receivers.has(name)) throw new Error(`${name} is followed already.`);
      receivers.set(name, receive);
      return () => void receivers.delete(name);
    },
  });
  const send = (name: ConnectionName, event: FleetEvent) => {
    const receive = receivers.get(name);
    if (!receive) throw new Error(`${name} is not followed.`);
    receive(event);
  };
  return {
    fleets: made,
    requests,
    followed: () => [...receivers.keys()],
    hello: (name: ConnectionName, seq = 1, status = statusWith()) =>
      send(name, { kind: 'hello', epoch: name, seq, status, sentAtMs: 0 }),
    status: (name: ConnectionName, status: FleetStatus) =>
      send(name, { kind: 'status', status, sentAtMs: 0 }),
    delta: (name: ConnectionName, seq: number, changed: Sandbox[], removed: string[] = []) =>
      send(name, {
        kind: 'delta',
        delta: { seq, changed, removed: removed.map((id) => keyOf(name, id)) },
        status: statusWith(),
        sentAtMs: 0,
      }),
    /** Answers the last request for this fleet with sandboxes of these ids. */
    async answer(name: ConnectionName, ids: string[], status = statusWith()) {
      const request = requests.findLast((asked) => asked.name === name);
      if (!request) throw new Error(`No snapshot of ${name} was requested.`);
      const sandboxes = ids.map((id) => one(name, id));
      request.resolve({ epoch: name, seq: 1, sandboxes, status });
      await vi.advanceTimersByTimeAsync(0);
    },
    keys: () => made.view().rows?.map(({ sandbox }) => sandbox.key) ?? null,
  };
}

/** Two connections whose fleets have arrived. */
async function openBoth() {
  const opened = openFleets();
  opened.fleets.show([PROD, DEV]);
  for (const { name } of [PROD, DEV]) opened.hello(name);
  await opened.answer('prod', ['a', 'b']);
  await opened.answer('dev', ['a', 'c']);
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('the view', () => {
  it('knows nothing before it is told the connections', () => {
    const { fleets, requests } = openFleets();
    expect(fleets.view()).toBe(NO_FLEETS);
    expect(fleets.find('prod/a')).toBeUndefined();
    expect(fleets.hasId('a')).toBe(false);
    expect(requests).toEqual([]);
  });

  it('joins the rows of two connections, also those of the same id', async () => {
    const { fleets, keys, followed } = await openBoth();
    expect(followed()).toEqual(['prod', 'dev']);
    expect(keys()).toEqual(['prod/a', 'prod/b', 'dev/a', 'dev/c']);
    expect(fleets.find('prod/a')?.sandbox.key).toBe('prod/a');
    expect(fleets.find('dev/a')?.sandbox.key).toBe('dev/a');
    expect(fleets.find('dev/b')).toBeUndefined();
    expect(fleets.find('test/a')).toBeUndefined();
    expect(['a', 'b', 'c', 'd'].map((id) => fleets.hasId(id))).toEqual([true, true, true, false]);
  });

  it('puts the rows of each connection on its own clock, also after that changes', async () => {
    const { fleets, status } = await openBoth();
    const deadlines = () => ['prod/a', 'dev/a'].map((key) => fleets.find(key as SandboxKey)?.deadlineMs);
    const [deadlineMs = 0] = deadlines();
    expect(deadlines()).toEqual([deadlineMs, deadlineMs]);
    const before = fleets.view().rows;
    status('dev', statusWith({ serviceAheadMs: 3_600_000 }));
    expect(deadlines()).toEqual([deadlineMs, Number(deadlineMs) - 3_600_000]);
    expect(fleets.view().rows).not.toBe(before);
    expect(fleets.view().rows?.find(({ sandbox }) => sandbox.key === 'dev/a')?.deadlineMs).toBe(
      Number(deadlineMs) - 3_600_000,
    );
  });

  it('keeps what each service lacks, as one object until it changes', async () => {
    const { fleets, status } = await openBoth();
    const before = fleets.view().lacking;
    status('dev', statusWith({ asOfMs: 2 }));
    expect(fleets.view().lacking).toBe(before);
    status('dev', statusWith({ lacking: { pause: 'It cannot.' } }));
    expect(lackingOf('dev', fleets.view().lacking)).toEqual({ pause: 'It cannot.' });
    expect(lackingOf('prod', fleets.view().lacking)).toEqual({});
    expect(lackingOf('other', fleets.view().lacking)).toEqual({});
  });

  it('has the status of each connection, and of all together', async () => {
    const { fleets, status } = await openBoth();
    const problem = { code: 'unavailable', message: 'Away.' } as const;
    status('dev', statusWith({ asOfMs: 7, problem }));
    status('prod', statusWith({ asOfMs: 9 }));
    const { statuses, status: merged } = fleets.view();
    expect([...statuses].map(([name, { asOfMs }]) => [name, asOfMs])).toEqual([
      ['prod', 9],
      ['dev', 7],
    ]);
    expect(statuses.get('prod')?.problem).toBeNull();
    expect(merged).toMatchObject({ asOfMs: 7, problem });
  });

  it('changes with a delta of one connection, which leaves the other alone', async () => {
    const { fleets, keys, delta, requests } = await openBoth();
    delta('dev', 2, [one('dev', 'd'), one('dev', 'c', { state: 'paused' })], ['a']);
    expect(keys()).toEqual(['prod/a', 'prod/b', 'dev/c', 'dev/d']);
    expect(fleets.find('dev/c')?.sandbox.state).toBe('paused');
    expect(fleets.find('prod/a')).toBeDefined();
    expect(requests).toHaveLength(2);
  });

  it('notifies listeners of every change until they stop', async () => {
    const { fleets, status } = await openBoth();
    const listener = vi.fn();
    const stop = fleets.subscribe(listener);
    const before = fleets.view();
    status('dev', statusWith({ asOfMs: 2 }));
    expect(listener).toHaveBeenCalledTimes(1);
    expect(fleets.view()).not.toBe(before);
    stop();
    status('dev', statusWith({ asOfMs: 3 }));
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe('a connection whose fleet never arrives', () => {
  it('leaves the rows unknown while no other one has arrived', () => {
    const { fleets, hello } = openFleets();
    fleets.show([PROD, DEV]);
    expect(fleets.view()).toMatchObject({ rows: null, connections: [PROD, DEV], status: NOTHING_READ });
    hello('dev');
    expect(fleets.view().rows).toBeNull();
    expect([...fleets.view().statuses.keys()]).toEqual(['dev']);
  });

  it('does not hold back the rows of the others once that is known, and has no rows', async () => {
    const { fleets, hello, answer, keys } = openFleets();
    fleets.show([PROD, DEV]);
    hello('dev');
    await answer('dev', ['a']);
    // It may arrive at any moment, until its status says that the server has not read it yet.
    expect(keys()).toBeNull();
    hello('prod', 1, { ...statusWith(), asOfMs: null });
    expect(keys()).toEqual(['dev/a']);
    expect(fleets.view().statuses.get('prod')?.asOfMs).toBeNull();
    expect(fleets.view().connections).toEqual([PROD, DEV]);
  });

  it('adds its rows in the order of the connections if it arrives late', async () => {
    const { fleets, hello, answer, keys } = openFleets();
    fleets.show([PROD, DEV]);
    hello('dev');
    await answer('dev', ['a']);
    hello('prod');
    await answer('prod', ['b']);
    expect(keys()).toEqual(['prod/b', 'dev/a']);
  });

  it('is not confused with one whose fleet is empty', async () => {
    const { fleets, hello, answer } = openFleets();
    fleets.show([PROD, DEV]);
    hello('prod', 1, { ...statusWith(), asOfMs: null });
    hello('dev');
    await answer('dev', []);
    expect(fleets.view().rows).toEqual([]);
  });
});

describe('a connection that leaves', () => {
  it('takes its rows and its status along, and is followed no longer', async () => {
    const { fleets, keys, followed } = await openBoth();
    fleets.show([DEV]);
    expect(keys()).toEqual(['dev/a', 'dev/c']);
    expect(followed()).toEqual(['dev']);
    expect([...fleets.view().statuses.keys()]).toEqual(['dev']);
    expect(fleets.view().connections).toEqual([DEV]);
    expect(fleets.find('prod/a')).toBeUndefined();
    expect(fleets.hasId('b')).toBe(false);
  });

  it('leaves nothing behind if it was the only one', async () => {
    const { fleets } = await openBoth();
    fleets.show([]);
    expect(fleets.view()).toEqual(NO_FLEETS);
  });

  it('is not read any further, and a late answer changes nothing', async () => {
    const { fleets, hello, answer, requests, keys } = openFleets();
    fleets.show([PROD, DEV]);
    hello('prod');
    fleets.show([DEV]);
    expect(requests.map(({ name, signal }) => [name, signal.aborted])).toEqual([['prod', true]]);
    const listener = vi.fn();
    fleets.subscribe(listener);
    await answer('prod', ['late']);
    expect(keys()).toBeNull();
    expect(listener).not.toHaveBeenCalled();
  });

  it('starts again without its old rows when it returns', async () => {
    const { fleets, hello, answer, keys } = await openBoth();
    fleets.show([DEV]);
    fleets.show([PROD, DEV]);
    expect(keys()).toEqual(['dev/a', 'dev/c']);
    hello('prod');
    await answer('prod', ['z']);
    expect(keys()?.toSorted()).toEqual(['dev/a', 'dev/c', 'prod/z']);
  });
});

describe('the array of rows', () => {
  it('stays the same object while only the status or a title changes', async () => {
    const { fleets, status, hello } = await openBoth();
    const { rows } = fleets.view();
    status('dev', statusWith({ asOfMs: 2 }));
    hello('prod', 1, statusWith({ asOfMs: 3 }));
    fleets.show([{ ...PROD, title: 'Production' }, DEV]);
    expect(fleets.view().rows).toBe(rows);
    expect(fleets.view().connections[0]?.title).toBe('Production');
  });

  it('stays the same object when a connection without rows joins or leaves', async () => {
    const { fleets } = await openBoth();
    const { rows } = fleets.view();
    fleets.show([PROD, DEV, shown('test')]);
    expect(fleets.view().rows).toBe(rows);
    fleets.show([PROD, DEV]);
    expect(fleets.view().rows).toBe(rows);
  });

  it('is another one after a change, in which unchanged rows are the same', async () => {
    const { fleets, delta } = await openBoth();
    const { rows } = fleets.view();
    delta('dev', 2, [one('dev', 'c', { state: 'paused' })]);
    const { rows: changed } = fleets.view();
    expect(changed).not.toBe(rows);
    expect(changed?.map((row, at) => row === rows?.[at])).toEqual([true, true, true, false]);
  });
});
