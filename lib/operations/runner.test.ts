import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { database } from '../db/client';
import { rowWith } from '../fleet/test-fleet';
import { fleetWatcher } from '../fleet/watcher';
import type { SandboxAct } from '../sandbox/can';
import { eventually, giveEngine } from '../test-support/house';
import { OperationRunner } from './runner';
import type { ActParams, Operation, OperationEvent, OperationItem } from './schema';
import { findInterrupted, findOperation, recordOperation, recordOutcome } from './store';

const engine = giveEngine();
let made = 0;

beforeEach(() => void onTestFinished(async () => void (await engine.clearFaults())));
afterAll(async () => {
  await fleetWatcher().close();
  await (await database()).destroy();
});

const waiting = (sandboxId: string): OperationItem => ({ sandboxId, outcome: 'waiting', message: null });

/** Records an operation, as it is before it is started. */
async function record(act: SandboxAct, ids: string[], params: ActParams = {}): Promise<Operation> {
  made += 1;
  const operation: Operation = {
    id: `operation-${made}`,
    act,
    params,
    actor: 'ana',
    state: 'running',
    createdAtMs: Date.now(),
    finishedAtMs: null,
  };
  const targets = ids.map((id) => rowWith({ id }).sandbox);
  await recordOperation({ ...operation, filter: '', targets });
  return operation;
}

/** A runner and what it tells. */
function openRunner() {
  const runner = new OperationRunner();
  const events: OperationEvent[] = [];
  onTestFinished(runner.listen((event) => events.push(event)));
  onTestFinished(() => runner.close());
  const finished = ({ id }: Operation) =>
    eventually(
      () => events.some(({ operation }) => operation.id === id && operation.state === 'finished'),
      30_000,
    );
  const outcomesOf = (id: string) =>
    events
      .flatMap(({ items }) => items.filter(({ sandboxId }) => sandboxId === id))
      .map(({ outcome }) => outcome);
  return { runner, events, finished, outcomesOf };
}

async function recorded(id: string): Promise<Record<string, string>> {
  const items = await (await database())
    .selectFrom('operation_items')
    .select(['sandbox_id', 'outcome'])
    .where('operation_id', '=', id)
    .execute();
  return Object.fromEntries(items.map(({ sandbox_id, outcome }) => [sandbox_id, outcome]));
}

/** How many of `ids` have reached the engine with a kill that it holds back. */
async function firedFaults(): Promise<number> {
  const { json } = await engine.call('GET', '/engine/faults');
  return (json as { fired: number }[]).reduce((sum, { fired }) => sum + fired, 0);
}

describe('an operation', () => {
  it('is worked off, told step by step, and recorded', async () => {
    const ids = await Promise.all([engine.create(), engine.create()]);
    const { runner, events, finished, outcomesOf } = openRunner();
    const operation = await record('kill', [...ids, 'igone']);
    runner.start(operation, [...ids, 'igone'].map(waiting));
    expect(events[0]).toEqual({ operation, items: [...ids, 'igone'].map(waiting) });
    await finished(operation);
    for (const id of ids) expect(outcomesOf(id)).toEqual(['waiting', 'sending', 'done']);
    expect(outcomesOf('igone')).toEqual(['waiting', 'sending', 'already']);
    expect(await recorded(operation.id)).toEqual({ [ids[0]]: 'done', [ids[1]]: 'done', igone: 'already' });
    const kept = await findOperation(operation.id);
    expect(kept).toMatchObject({ state: 'finished', finishedAtMs: expect.any(Number) });
    expect(events.filter(({ operation: { state } }) => state === 'finished')).toHaveLength(1);
  });

  it('is written down before each request is sent', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, latencyMs: 2_000 });
    const { runner, finished } = openRunner();
    const operation = await record('kill', [id]);
    runner.start(operation, [waiting(id)]);
    await eventually(async () => (await firedFaults()) === 1);
    expect(await recorded(operation.id)).toEqual({ [id]: 'sending' });
    expect((await engine.detail(id)).status).toBe(200);
    await finished(operation);
  });

  it('runs four at a time, over all operations', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => engine.create()));
    await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 100 });
    const { runner, events, finished } = openRunner();
    const [first, second] = [await record('pause', ids.slice(0, 5)), await record('pause', ids.slice(5))];
    runner.start(first, ids.slice(0, 5).map(waiting));
    runner.start(second, ids.slice(5).map(waiting));
    await Promise.all([finished(first), finished(second)]);
    let inFlight = 0;
    let most = 0;
    for (const { outcome } of events.flatMap(({ items }) => items)) {
      if (outcome === 'sending') inFlight += 1;
      else if (outcome !== 'waiting') inFlight -= 1;
      most = Math.max(most, inFlight);
    }
    expect([most, inFlight]).toEqual([4, 0]);
    for (const id of ids) expect((await engine.detail(id)).state).toBe('paused');
  });

  it('keeps what failed beside what was done', async () => {
    const [good, bad] = await Promise.all([engine.create(), engine.create()]);
    await engine.fault({ route: `DELETE /sandboxes/${bad}`, status: 403 });
    const { runner, events, finished } = openRunner();
    const operation = await record('kill', [good, bad]);
    runner.start(operation, [good, bad].map(waiting));
    await finished(operation);
    expect(await recorded(operation.id)).toEqual({ [good]: 'done', [bad]: 'denied' });
    expect(events.flatMap(({ items }) => items)).toContainEqual({
      sandboxId: bad,
      outcome: 'denied',
      message: 'The sandbox service does not allow killing a sandbox.',
    });
  });

  it('hands its params to every step', async () => {
    const id = await engine.create();
    const { runner, finished } = openRunner();
    const operation = await record('setTimeout', [id], { timeoutMs: 20 * 60_000 });
    runner.start(operation, [waiting(id)]);
    await finished(operation);
    const leftMs = Date.parse((await engine.detail(id)).endAt) - Date.now();
    expect(Math.abs(leftMs - 20 * 60_000)).toBeLessThan(5_000);
  });

  it('is told whole to those who come while it runs, and a while after', async () => {
    const id = await engine.create();
    const { runner, finished } = openRunner();
    const operation = await record('pause', [id]);
    runner.start(operation, [waiting(id)]);
    await finished(operation);
    const late: OperationEvent[] = [];
    onTestFinished(runner.listen((event) => late.push(event)));
    expect(late).toEqual([
      {
        operation: { ...operation, state: 'finished', finishedAtMs: expect.any(Number) },
        items: [{ sandboxId: id, outcome: 'done', message: null }],
      },
    ]);
  });

  it('brings its news to the fleet', async () => {
    const [killed, paused] = await Promise.all([engine.create(), engine.create()]);
    await fleetWatcher().ready(20_000);
    const states = () =>
      new Map(
        fleetWatcher()
          .snapshot()
          .sandboxes.map(({ id, state }) => [id, state]),
      );
    expect([states().get(killed), states().get(paused)]).toEqual(['running', 'running']);
    const { runner, finished } = openRunner();
    const operations = [await record('kill', [killed]), await record('pause', [paused])];
    for (const operation of operations)
      runner.start(operation, [waiting(operation.act === 'kill' ? killed : paused)]);
    await Promise.all(operations.map(finished));
    expect([states().get(killed), states().get(paused)]).toEqual([undefined, 'paused']);
  });
});

describe('after a crash', () => {
  it('what was not done is taken up, nothing twice', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => engine.create()));
    await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 150 });
    const crashed = openRunner();
    const operation = await record('kill', ids);
    // At the first success, while others are under way and the rest waits.
    const stop = crashed.runner.listen(({ items }) => {
      if (items.some(({ outcome }) => outcome === 'done')) crashed.runner.close();
    });
    onTestFinished(stop);
    crashed.runner.start(operation, ids.map(waiting));
    await eventually(() =>
      crashed.events.some(({ items }) => items.some(({ outcome }) => outcome === 'done')),
    );
    // The process is gone when nothing more of it reaches the database.
    await eventually(async () => !Object.values(await recorded(operation.id)).includes('sending'));
    const before = await recorded(operation.id);
    const left = Object.keys(before).filter((id) => before[id] === 'waiting');
    expect(left.length).toBeGreaterThan(0);
    expect((await findOperation(operation.id))?.state).toBe('running');

    const next = openRunner();
    await next.runner.resumeInterrupted();
    await next.runner.resumeInterrupted();
    await next.finished(operation);
    expect(new Set(Object.values(await recorded(operation.id)))).toEqual(new Set(['done']));
    const sent = next.events.flatMap(({ items }) => items).filter(({ outcome }) => outcome === 'sending');
    expect(sent.map(({ sandboxId }) => sandboxId).toSorted()).toEqual(left.toSorted());
    expect(await findInterrupted()).toEqual([]);
  });

  it('a kill that may have been sent counts as ours, one that was not does not', async () => {
    const operation = await record('kill', ['isent', 'iwaiting']);
    await recordOutcome(operation.id, { sandboxId: 'isent', outcome: 'sending', message: null });
    const { runner, events, finished } = openRunner();
    await runner.resumeInterrupted();
    await finished(operation);
    expect(await recorded(operation.id)).toEqual({ isent: 'done', iwaiting: 'already' });
    expect(events.flatMap(({ items }) => items)).toContainEqual({
      sandboxId: 'isent',
      outcome: 'done',
      message: null,
    });
  });

  it('an operation whose last outcome was written is finished', async () => {
    const operation = await record('kill', ['a']);
    await recordOutcome(operation.id, { sandboxId: 'a', outcome: 'done', message: null });
    const { runner, events } = openRunner();
    await runner.resumeInterrupted();
    expect((await findOperation(operation.id))?.state).toBe('finished');
    expect(events).toEqual([]);
  });
});
