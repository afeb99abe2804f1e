import { describe, expect, it, onTestFinished } from 'vitest';
import { fleetWatcher } from '../../fleet/watchers';
import { idOf } from '../../sandbox-key';
import { describeOnDatabases } from '../../test-support/databases';
import { eventually, localKey } from '../../test-support/environment';
import { findOperation, listItems, recordCancel } from '../record/store';
import type { OperationEvent } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { crash, setUpRunners } from './test-runners';

const { engine, openRunner, create, createMany, readAll, recorded, firedFaults, detailOf, isThere } =
  setUpRunners();

describeOnDatabases('the runner', () => {
  describe('an operation', () => {
    it('is carried out, published and recorded', async () => {
      const [keys, gone] = [await createMany(2), localKey('igone')];
      const { runner, events, finished, outcomesOf } = openRunner();
      const operation = await recordNew([...(await readAll(keys)), gone]);
      runner.start(operation, [...keys, gone].map(waitingItem));
      expect(events[0]).toEqual({
        operation,
        items: [...keys, gone].map(waitingItem),
        holds: [],
        sentAtMs: expect.any(Number),
      });
      await finished(operation);
      for (const key of keys)
        expect([outcomesOf(key).at(0), outcomesOf(key).at(-1)]).toEqual(['waiting', 'done']);
      expect(outcomesOf(gone).at(-1)).toBe('already');
      expect(await recorded(operation.id)).toEqual({
        [keys[0] ?? '']: 'done',
        [keys[1] ?? '']: 'done',
        [gone]: 'already',
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
      const key = await create();
      await engine.fault({ route: `DELETE /sandboxes/${idOf(key)}`, latencyMs: 300 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll([key]));
      runner.start(operation, [waitingItem(key)]);
      await finished(operation);
      const [item] = await listItems(operation.id);
      expect(item?.tookMs).toBeGreaterThanOrEqual(300);
      expect(item?.tookMs).toBeLessThan(60_000);
    });

    it('sends nothing within its cancel window', async () => {
      const key = await create();
      const { runner, finished } = openRunner();
      const startsAtMs = Date.now() + 1_000;
      const operation = await recordNew(await readAll([key]), { startsAtMs });
      runner.start(operation, [waitingItem(key)]);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await isThere(key)).toBe(true);
      await finished(operation);
      expect(await isThere(key)).toBe(false);
      expect((await findOperation(operation.id))?.finishedAtMs).toBeGreaterThanOrEqual(startsAtMs);
    });

    it('respects the limit of concurrency over all operations', async () => {
      const keys = await createMany(12);
      await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 100 });
      const { runner, events, finished } = openRunner({ maxConcurrency: 3 });
      const sandboxes = await readAll(keys);
      const first = await recordNew(sandboxes.slice(0, 6), { act: 'pause' });
      const second = await recordNew(sandboxes.slice(6), { act: 'pause' });
      const beganAtMs = Date.now();
      runner.start(first, keys.slice(0, 6).map(waitingItem));
      runner.start(second, keys.slice(6).map(waitingItem));
      await Promise.all([finished(first), finished(second)]);
      // Twelve requests of 100 ms each, three at a time.
      expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(400);
      expect(events.at(-1)?.operation.counts.done).toBe(6);
      for (const key of keys) expect((await detailOf(key)).state).toBe('paused');
    });

    it('does not wait for a slow item or for a larger operation', async () => {
      const [slow, others] = [await create(), await createMany(39)];
      const keys = [slow, ...others];
      await engine.fault({ route: `DELETE /sandboxes/${idOf(slow)}`, latencyMs: 12_000 });
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 50 });
      const single = await create();
      const { runner, finished, outcomesOf } = openRunner({ maxConcurrency: 2 });
      const bulk = await recordNew(await readAll(keys));
      runner.start(bulk, keys.map(waitingItem));
      const small = await recordNew(await readAll([single]));
      runner.start(small, [waitingItem(single)]);
      await finished(small);
      expect((await findOperation(bulk.id))?.counts.done).toBeLessThan(others.length);
      await eventually(() => others.every((key) => outcomesOf(key).at(-1) === 'done'));
      expect(outcomesOf(slow).at(-1)).toBe('sending');
      await finished(bulk);
    });

    it('verifies all items with one reading of the list', async () => {
      const keys = await createMany(20);
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(keys));
      await engine.fault({ route: 'GET /sandboxes/*', latencyMs: 0, count: 1_000_000 });
      runner.start(operation, keys.map(waitingItem));
      await finished(operation);
      expect((await findOperation(operation.id))?.counts.done).toBe(20);
      expect(await firedFaults()).toBe(0);
    });

    it('records failed and completed items', async () => {
      const [good, bad] = [await create(), await create()];
      await engine.fault({ route: `DELETE /sandboxes/${idOf(bad)}`, status: 403 });
      const { runner, events, finished } = openRunner();
      const operation = await recordNew(await readAll([good, bad]));
      runner.start(operation, [good, bad].map(waitingItem));
      await finished(operation);
      expect(await recorded(operation.id)).toEqual({ [good]: 'done', [bad]: 'denied' });
      expect(events.flatMap(({ items }) => items)).toContainEqual({
        sandboxKey: bad,
        outcome: 'denied',
        message: expect.stringContaining('The sandbox service does not allow killing a sandbox.'),
        tookMs: expect.any(Number),
      });
    });

    it('skips sandboxes that have changed since the plan', async () => {
      const [paused, resumed, same] = [await create(), await create(), await createMany(6)];
      const keys = [paused, resumed, ...same];
      await engine.call('POST', `/sandboxes/${idOf(resumed)}/pause`);
      const shown = await readAll(keys);
      await engine.call('POST', `/sandboxes/${idOf(paused)}/pause`);
      await engine.call('POST', `/sandboxes/${idOf(resumed)}/resume`, { timeout: 300 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(shown);
      runner.start(operation, keys.map(waitingItem));
      await finished(operation);
      const outcomes = await recorded(operation.id);
      expect([outcomes[paused], outcomes[resumed]]).toEqual(['skipped', 'skipped']);
      for (const key of same) expect(outcomes[key]).toBe('done');
      expect([await isThere(paused), await isThere(resumed)]).toEqual([true, true]);
      expect((await listItems(operation.id))[0]?.message).toBe('Skipped: it was running and is now paused.');
    });

    it('passes its params to every step', async () => {
      const key = await create();
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll([key]), {
        act: 'setTimeout',
        params: { timeoutMs: 20 * 60_000 },
      });
      runner.start(operation, [waitingItem(key)]);
      await finished(operation);
      const leftMs = Date.parse((await detailOf(key)).endAt) - Date.now();
      expect(Math.abs(leftMs - 20 * 60_000)).toBeLessThan(60_000);
    });

    it('is published in full to new listeners while it runs, and its end for a while', async () => {
      const keys = await createMany(3);
      await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 500 });
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(keys), { act: 'pause' });
      runner.start(operation, keys.map(waitingItem));
      const late: OperationEvent[] = [];
      onTestFinished(runner.listen((event) => late.push(event)));
      expect(late[0]?.items.map(({ sandboxKey }) => sandboxKey)).toEqual(keys);
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
          holds: [],
          sentAtMs: expect.any(Number),
        },
      ]);
    });

    it('updates the fleet', async () => {
      const [killed, paused] = [await create(), await create()];
      await fleetWatcher('local').readSince(paused, Date.now());
      const states = () =>
        new Map(
          fleetWatcher('local')
            .snapshot()
            .sandboxes.map(({ key, state }) => [key, state]),
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
      const keys = await createMany(6);
      await engine.fault({ route: 'DELETE /sandboxes/*', status: 429, retryAfterSeconds: 1, count: 1 });
      const { runner, events, finished } = openRunner();
      const operation = await recordNew(await readAll(keys));
      const beganAtMs = Date.now();
      runner.start(operation, keys.map(waitingItem));
      await finished(operation);
      expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(1_000);
      expect(events.some(({ holds }) => holds.some(({ isAsked }) => isAsked))).toBe(true);
      expect((await findOperation(operation.id))?.counts.done).toBe(6);
    });
  });

  describe('a cancel', () => {
    it('within the window changes nothing', async () => {
      const keys = await createMany(5);
      const { runner, finished } = openRunner();
      const operation = await recordNew(await readAll(keys), { startsAtMs: Date.now() + 60_000 });
      runner.start(operation, keys.map(waitingItem));
      expect(await recordCancel(operation.id, 'li', 1_768_478_400_000)).toBe(true);
      runner.cancel(operation.id, 'li', 1_768_478_400_000);
      await finished(operation);
      expect(await findOperation(operation.id)).toMatchObject({
        state: 'finished',
        cancelledBy: 'li',
        cancelledAtMs: 1_768_478_400_000,
        counts: { cancelled: 5, waiting: 0 },
      });
      for (const key of keys) expect(await isThere(key)).toBe(true);
    });

    it('after the window stops only items that have not been sent', async () => {
      const keys = await createMany(30);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 300 });
      const { runner, finished } = openRunner({ maxConcurrency: 4 });
      const operation = await recordNew(await readAll(keys));
      runner.start(operation, keys.map(waitingItem));
      await eventually(async () => (await firedFaults()) >= 4);
      await recordCancel(operation.id, 'li', Date.now());
      runner.cancel(operation.id, 'li', Date.now());
      await finished(operation);
      const outcomes = await recorded(operation.id);
      const sent = await firedFaults();
      const done = keys.filter((key) => outcomes[key] === 'done');
      expect(done).toHaveLength(sent);
      expect(sent).toBeLessThan(30);
      for (const key of keys) {
        expect(['done', 'cancelled']).toContain(outcomes[key]);
        expect(await isThere(key)).toBe(outcomes[key] === 'cancelled');
      }
    });

    it('by another process stops the process that runs the operation', async () => {
      const keys = await createMany(40);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 400 });
      const { runner, finished } = openRunner({ maxConcurrency: 1 });
      const operation = await recordNew(await readAll(keys));
      runner.start(operation, keys.map(waitingItem));
      await eventually(async () => (await firedFaults()) >= 1);
      await recordCancel(operation.id, 'li', Date.now());
      await finished(operation);
      expect((await findOperation(operation.id))?.counts.cancelled).toBeGreaterThan(30);
    });

    it('persists after a crash', async () => {
      const keys = await createMany(20);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 300 });
      const first = openRunner({ owner: 'doomed-cancelled', maxConcurrency: 2 });
      const operation = await recordNew(await readAll(keys));
      first.runner.start(operation, keys.map(waitingItem));
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
    const old = await recordNew(['local/a'], {
      state: 'finished',
      finishedAtMs: Date.now() - 10 * 86_400_000,
    });
    const recent = await recordNew(['local/a'], { state: 'finished', finishedAtMs: Date.now() });
    const { runner } = openRunner({ keepMs: 5 * 86_400_000 });
    await runner.open();
    expect(await findOperation(old.id)).toBeNull();
    expect(await listItems(old.id)).toEqual([]);
    expect(await findOperation(recent.id)).not.toBeNull();
  });
});
