import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../../db/client';
import { describeOnDatabases } from '../../test-support/databases';
import { eventually, localKey } from '../../test-support/environment';
import { claimItems, listClaimed } from '../record/claims';
import { findOperation, recordCancel } from '../record/store';
import { recordNew, waitingItem } from '../test-operations';
import { crash, setUpRunners } from './test-runners';

const { engine, openRunner, create, createMany, readAll, recorded, firedFaults, isThere } = setUpRunners();

describeOnDatabases('the runner', () => {
  describe('after a crash', () => {
    it('continues unfinished items without repeating finished ones', async () => {
      const keys = await createMany(24);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 150 });
      const crashed = openRunner({ owner: 'doomed', maxConcurrency: 3 });
      const operation = await recordNew(await readAll(keys));
      crashed.runner.start(operation, keys.map(waitingItem));
      await eventually(() => crashed.events.some(({ operation: { counts } }) => counts.done > 0));
      await crash(crashed.runner, 'doomed');
      expect((await findOperation(operation.id))?.state).toBe('running');

      const next = openRunner();
      await next.runner.open();
      await next.finished(operation);
      expect(new Set(Object.values(await recorded(operation.id)))).toEqual(new Set(['done']));
      expect(await firedFaults()).toBe(24);
    });

    it('counts a kill as ours only if it may have been sent', async () => {
      const operation = await recordNew(['local/isent', 'local/iwaiting']);
      await claimItems(operation.id, { owner: 'dead', leaseMs: -1, max: 1 });
      const { runner, finished } = openRunner();
      await runner.open();
      await finished(operation);
      expect(await recorded(operation.id)).toEqual({
        'local/isent': 'done',
        'local/iwaiting': 'already',
      });
    });

    it('takes over all items at once, so that one reading verifies them', async () => {
      await createMany(1);
      const keys = Array.from({ length: 300 }, (_, index) => localKey(`isent${index}`));
      const operation = await recordNew([...keys, 'local/iwaiting']);
      await claimItems(operation.id, { owner: 'dead', leaseMs: -1, max: keys.length });
      await engine.fault({ route: 'GET /v2/sandboxes', latencyMs: 3_000 });
      const { runner, finished } = openRunner({ owner: 'next' });
      await runner.open();
      // More than a process claims ahead. Until the list has been read, none of them is verified.
      await eventually(async () => (await listClaimed('next')).size === keys.length);
      await engine.clearFaults();
      await finished(operation);
      const { 'local/iwaiting': iwaiting, ...sent } = await recorded(operation.id);
      expect(iwaiting).toBe('already');
      expect(new Set(Object.values(sent))).toEqual(new Set(['done']));
    });

    it('finishes an operation whose last outcome was recorded', async () => {
      const operation = await recordNew([]);
      const { runner, events } = openRunner();
      await runner.open();
      expect((await findOperation(operation.id))?.state).toBe('finished');
      expect(events.at(-1)?.operation).toMatchObject({ id: operation.id, state: 'finished' });
    });
  });

  describe('two processes on one database', () => {
    it('share the items without sending any twice', async () => {
      const keys = await createMany(240);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 30 });
      const [a, b] = [openRunner({ maxConcurrency: 8 }), openRunner({ maxConcurrency: 8 })];
      await b.runner.open();
      const operation = await recordNew(await readAll(keys));
      a.runner.start(operation, keys.map(waitingItem));
      await Promise.all([a.finished(operation), b.finished(operation)]);
      const rows = await (await database())
        .selectFrom('operation_items')
        .select(['claimed_by', 'outcome'])
        .where('operation_id', '=', operation.id)
        .execute();
      expect(new Set(rows.map(({ claimed_by }) => claimed_by)).size).toBe(2);
      expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(['done']));
      expect(await firedFaults()).toBe(240);
      expect(a.events.at(-1)?.operation.counts).toEqual(b.events.at(-1)?.operation.counts);
    });

    it('drop items that the other took over after their claims expired', async () => {
      const keys = await createMany(6);
      await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 700 });
      const a = openRunner({ owner: 'sleepy', maxConcurrency: 1, leaseMs: 4_000 });
      const operation = await recordNew(await readAll(keys));
      a.runner.start(operation, keys.map(waitingItem));
      await eventually(async () => (await firedFaults()) === 1);
      // As if this process had been suspended for longer than its claims last and another one had taken over.
      const db = await database();
      await db
        .updateTable('operation_items')
        .set({ claimed_by: 'other', claimed_until_ms: Date.now() + 60_000 })
        .where('operation_id', '=', operation.id)
        .execute();
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_000 });
      onTestFinished(() => void vi.useRealTimers());
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(await firedFaults()).toBe(1);
      expect(Object.values(await recorded(operation.id))).toEqual(Array(6).fill('waiting'));
    });

    it('both send at once when a person asks one of them', async () => {
      const key = await create();
      await engine.fault({
        route: 'DELETE /sandboxes/*',
        status: 429,
        retryAfterSeconds: 86_400,
        count: 1,
      });
      const working = openRunner();
      const operation = await recordNew(await readAll([key]));
      working.runner.start(operation, [waitingItem(key)]);
      await eventually(() => working.events.some(({ holds }) => holds.length > 0));
      const asked = openRunner();
      await asked.runner.tryNow('local');
      await working.finished(operation);
      expect(await recorded(operation.id)).toEqual({ [key]: 'done' });
      expect(await isThere(key)).toBe(false);
    });

    it('send once for each time that a person asks', async () => {
      const key = await create();
      await engine.fault({ route: 'DELETE /sandboxes/*', status: 429, retryAfterSeconds: 86_400 });
      const { runner, events } = openRunner({ syncMs: 50 });
      const operation = await recordNew(await readAll([key]));
      runner.start(operation, [waitingItem(key)]);
      await eventually(() => events.some(({ holds }) => holds.length > 0));
      expect(await firedFaults()).toBe(1);
      for (const sent of [2, 3]) {
        await openRunner().runner.tryNow('local');
        await eventually(async () => (await firedFaults()) === sent);
        // Several syncs, which all read the same time.
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(await firedFaults()).toBe(sent);
      }
      await recordCancel(operation.id, 'li', Date.now());
      runner.cancel(operation.id, 'li', Date.now());
    });
  });
});
