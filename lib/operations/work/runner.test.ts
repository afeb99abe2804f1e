import { describe, expect, it, onTestFinished } from 'vitest';
import { fleetWatcher } from '../../fleet/watcher';
import { describeOnDatabases } from '../../test-support/databases';
import { eventually } from '../../test-support/environment';
import { findOperation, listItems, recordCancel } from '../record/store';
import type { OperationEvent } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { crash, setUpRunners } from './test-runners';

const { engine, openRunner, createMany, readAll, recorded, firedFaults, isThere } = setUpRunners();

describeOnDatabases('the runner', () => {
  describe('an operation', () => {
    it('is carried out, published and recorded', async () => {
      const ids = await createMany(2);
      const { runner, events, finished, outcomesOf } = openRunner();
      const operation = await recordNew([...(await readAll(ids)), 'igone']);
      runner.start(operation, [...ids, 'igone'].map(waitingItem));
      expect(events[0]).toEqual({
        operation,
        items: [...ids, 'igone'].map(waitingItem),
        hold: null,
        sentAtMs: expect.any(Number),
      });
      await finished(operation);
      for (const id of ids)
        expect([outcomesOf(id).at(0), outcomesOf(id).at(-1)]).toEqual(['waiting', 'done']);
      expect(outcomesOf('igone').at(-1)).toBe('already');
      expect(await recorded(operation.id)).toEqual({
        [ids[0] ?? '']: 'done',
        [ids[1] ?? '']: 'done',
        igone: 'already',
      });
      const last = events.at(-1)?.operation;
      expect(last).toMatchObject({
        state: 'finished',
        counts: { done: 2, already: 1, waiting: 0, sending: 0 },
      });
      expect(await findOperation(operation.id)).toEqual(last);
      expect(events.filter(({ operation: { state } }) => state === 'finished')).toHaveLength(1);
    });

    it('records the duration of each item', async () => {
      const [id = ''] = await createMany(1);
      await engine.fault({ route: `DELETE /sandboxes/${id}`, latencyMs: 300 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll([id]));
      runner.start(operation, [waitingItem(id)]);
      await finished(operation);
      const [item] = await listItems(operation.id);
      expect(item?.tookMs).toBeGreaterThanOrEqual(300);
      expect(item?.tookMs).toBeLessThan(60_000);
    });

    it('sends nothing within its cancel window', async () => {
      const [id = ''] = await createMany(1);
      const { runner, finished } = openRunner();
      const startsAtMs = Date.now() + 1_000;
      const operation = await recordNew(await readAll([id]), { startsAtMs });
      runner.start(operation, [waitingItem(id)]);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await isThere(id)).toBe(true);
      await finished(operation);
      expect(await isThere(id)).toBe(false);
      expect((await findOperation(operation.id))?.finishedAtMs).toBeGreaterThanOrEqual(startsAtMs);
    });

    it('respects the limit of concurrency over all operations', async () => {
      const ids = await createMany(12);
      await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 100 });
      const { runner, events, finished } = openRunner({ maxConcurrency: 3 });
      const sandboxes = await readAll(ids);
      const first = await recordNew(sandboxes.slice(0, 6), { act: 'pause' });
      const second = await recordNew(sandboxes.slice(6), { act: 'pause' });
      const beganAtMs = Date.now();
      runner.start(first, ids.slice(0, 6).map(waitingItem));
      runner.start(second, ids.slice(6).map(waitingItem));
      await Promise.all([finished(first), finished(second)]);
      // Twelve requests of 100 ms each, three at a time.
      expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(400);
      expect(events.at(-1)?.operation.counts.done).toBe(6);
      for (const id of ids) expect((await engine.detail(id)).state).toBe('paused');
    });

    it('does not wait for a slow item or for a larger operation', async () => {
      const ids = await createMany(40);
      const [slow = '', ...others] = ids;
      await engine.fault({ route: `DELETE /sandboxes/${slow}`, latencyMs: 4_000 });
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 50 });
      const single = await engine.create();
      const { runner, finished, outcomesOf } = openRunner({ maxConcurrency: 2 });
      const bulk = await recordNew(await readAll(ids));
      runner.start(bulk, ids.map(waitingItem));
      const small = await recordNew(await readAll([single]));
      runner.start(small, [waitingItem(single)]);
      await finished(small);
      expect((await findOperation(bulk.id))?.counts.done).toBeLessThan(others.length);
      await eventually(() => others.every((id) => outcomesOf(id).at(-1) === 'done'));
      expect(outcomesOf(slow).at(-1)).toBe('sending');
      await finished(bulk);
    });

    it('verifies all items with one reading of the list', async () => {
      const ids = await createMany(20);
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(ids));
      await engine.fault({ route: 'GET /sandboxes/*', latencyMs: 0, count: 1_000_000 });
      runner.start(operation, ids.map(waitingItem));
      await finished(operation);
      expect((await findOperation(operation.id))?.counts.done).toBe(20);
      expect(await firedFaults()).toBe(0);
    });

    it('records failed and completed items', async () => {
      const [good = '', bad = ''] = await createMany(2);
      await engine.fault({ route: `DELETE /sandboxes/${bad}`, status: 403 });
      const { runner, events, finished } = openRunner();
      const operation = await recordNew(await readAll([good, bad]));
      runner.start(operation, [good, bad].map(waitingItem));
      await finished(operation);
      expect(await recorded(operation.id)).toEqual({ [good]: 'done', [bad]: 'denied' });
      expect(events.flatMap(({ items }) => items)).toContainEqual({
        sandboxId: bad,
        outcome: 'denied',
        message: expect.stringContaining('The sandbox service does not allow killing a sandbox.'),
        tookMs: expect.any(Number),
      });
    });

    it('skips sandboxes that have changed since the plan', async () => {
      const ids = await createMany(8);
      const [paused = '', resumed = '', ...same] = ids;
      await engine.call('POST', `/sandboxes/${resumed}/pause`);
      const shown = await readAll(ids);
      await engine.call('POST', `/sandboxes/${paused}/pause`);
      await engine.call('POST', `/sandboxes/${resumed}/resume`, { timeout: 300 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(shown);
      runner.start(operation, ids.map(waitingItem));
      await finished(operation);
      const outcomes = await recorded(operation.id);
      expect([outcomes[paused], outcomes[resumed]]).toEqual(['skipped', 'skipped']);
      for (const id of same) expect(outcomes[id]).toBe('done');
      expect([await isThere(paused), await isThere(resumed)]).toEqual([true, true]);
      expect((await listItems(operation.id))[0]?.message).toBe('Skipped: it was running and is now paused.');
    });

    it('passes its params to every step', async () => {
      const [id = ''] = await createMany(1);
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll([id]), {
        act: 'setTimeout',
        params: { timeoutMs: 20 * 60_000 },
      });
      runner.start(operation, [waitingItem(id)]);
      await finished(operation);
      const leftMs = Date.parse((await engine.detail(id)).endAt) - Date.now();
      expect(Math.abs(leftMs - 20 * 60_000)).toBeLessThan(60_000);
    });

    it('is published in full to new listeners while it runs, and its end for a while', async () => {
      const ids = await createMany(3);
      await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 500 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(ids), { act: 'pause' });
      runner.start(operation, ids.map(waitingItem));
      const late: OperationEvent[] = [];
      onTestFinished(runner.listen((event) => late.push(event)));
      expect(late[0]?.items.map(({ sandboxId }) => sandboxId)).toEqual(ids);
      await finished(operation);
      const later: OperationEvent[] = [];
      onTestFinished(runner.listen((event) => later.push(event)));
      expect(later).toEqual([
        {
          operation: {
            ...operation,
            state: 'finished',
            finishedAtMs: expect.any(Number),
            counts: { ...operation.counts, waiting: 0, done: 3 },
          },
          items: [],
          hold: null,
          sentAtMs: expect.any(Number),
        },
      ]);
    });

    it('updates the fleet', async () => {
      const [killed = '', paused = ''] = await createMany(2);
      await fleetWatcher().readSince(paused, Date.now());
      const states = () =>
        new Map(
          fleetWatcher()
            .snapshot()
            .sandboxes.map(({ id, state }) => [id, state]),
        );
      expect([states().get(killed), states().get(paused)]).toEqual(['running', 'running']);
      const { runner, finished } = openRunner();
      const kill = await recordNew(await readAll([killed]));
      const pause = await recordNew(await readAll([paused]), { act: 'pause' });
      runner.start(kill, [waitingItem(killed)]);
      runner.start(pause, [waitingItem(paused)]);
      await Promise.all([finished(kill), finished(pause)]);
      expect([states().get(killed), states().get(paused)]).toEqual([undefined, 'paused']);
    });

    it('pauses for as long as the service requires and publishes the time', async () => {
      const ids = await createMany(6);
      await engine.fault({ route: 'DELETE /sandboxes/*', status: 429, retryAfterSeconds: 1, count: 1 });
      const { runner, events, finished } = openRunner();
      const operation = await recordNew(await readAll(ids));
      const beganAtMs = Date.now();
      runner.start(operation, ids.map(waitingItem));
      await finished(operation);
      expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(1_000);
      expect(events.some(({ hold }) => hold?.isAsked === true)).toBe(true);
      expect((await findOperation(operation.id))?.counts.done).toBe(6);
    });
  });

  describe('a cancel', () => {
    it('within the window changes nothing', async () => {
      const ids = await createMany(5);
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(ids), { startsAtMs: Date.now() + 60_000 });
      runner.start(operation, ids.map(waitingItem));
      expect(await recordCancel(operation.id, 'li', 1_768_478_400_000)).toBe(true);
      runner.cancel(operation.id, 'li', 1_768_478_400_000);
      await finished(operation);
      expect(await findOperation(operation.id)).toMatchObject({
        state: 'finished',
        cancelledBy: 'li',
        cancelledAtMs: 1_768_478_400_000,
        counts: { cancelled: 5, waiting: 0 },
      });
      for (const id of ids) expect(await isThere(id)).toBe(true);
    });

    it('after the window stops only items that have not been sent', async () => {
      const ids = await createMany(30);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 300 });
      const { runner, finished } = openRunner({ maxConcurrency: 4 });
      const operation = await recordNew(await readAll(ids));
      runner.start(operation, ids.map(waitingItem));
      await eventually(async () => (await firedFaults()) >= 4);
      await recordCancel(operation.id, 'li', Date.now());
      runner.cancel(operation.id, 'li', Date.now());
      await finished(operation);
      const outcomes = await recorded(operation.id);
      const sent = await firedFaults();
      const done = ids.filter((id) => outcomes[id] === 'done');
      expect(done).toHaveLength(sent);
      expect(sent).toBeLessThan(30);
      for (const id of ids) {
        expect(['done', 'cancelled']).toContain(outcomes[id]);
        expect(await isThere(id)).toBe(outcomes[id] === 'cancelled');
      }
    });

    it('by another process stops the process that runs the operation', async () => {
      const ids = await createMany(40);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 400 });
      const { runner, finished } = openRunner({ maxConcurrency: 1 });
      const operation = await recordNew(await readAll(ids));
      runner.start(operation, ids.map(waitingItem));
      await eventually(async () => (await firedFaults()) >= 1);
      await recordCancel(operation.id, 'li', Date.now());
      await finished(operation);
      expect((await findOperation(operation.id))?.counts.cancelled).toBeGreaterThan(30);
    });

    it('persists after a crash', async () => {
      const ids = await createMany(20);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 300 });
      const first = openRunner({ owner: 'doomed-cancelled', maxConcurrency: 2 });
      const operation = await recordNew(await readAll(ids));
      first.runner.start(operation, ids.map(waitingItem));
      await eventually(async () => (await firedFaults()) >= 2);
      await recordCancel(operation.id, 'li', Date.now());
      await crash(first.runner, 'doomed-cancelled');
      const sent = await firedFaults();
      const next = openRunner();
      await next.runner.open();
      await next.finished(operation);
      expect(await firedFaults()).toBe(sent);
      const { counts } = (await findOperation(operation.id)) ?? operation;
      expect([counts.done, counts.cancelled]).toEqual([sent, 20 - sent]);
    });
  });

  it('deletes operations past the retention, except running ones', async () => {
    const old = await recordNew(['a'], { state: 'finished', finishedAtMs: Date.now() - 10 * 86_400_000 });
    const recent = await recordNew(['a'], { state: 'finished', finishedAtMs: Date.now() });
    const { runner } = openRunner({ keepMs: 5 * 86_400_000 });
    await runner.open();
    expect(await findOperation(old.id)).toBeNull();
    expect(await listItems(old.id)).toEqual([]);
    expect(await findOperation(recent.id)).not.toBeNull();
  });
});
