import { describe, expect, it } from 'vitest';
import { recordCommandStart } from '../commands/store';
import { fleetWatcher } from '../fleet/watchers';
import type { SandboxKey } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { localKey, thrownBy } from '../test-support/environment';
import { operateNow, planOperation, recheckUnknown, startPlanned, stopOperation } from './operate';
import { claimItems, recordOutcomes } from './record/claims';
import { findOperation, listItems } from './record/store';
import { another, session, setUpOperations } from './test-operating';
import { recordNew } from './test-operations';

const MINUTE_MS = 60_000;
const { engine, planKill, pauseNow, isFinished } = setUpOperations();

describeOnDatabases('operations', () => {
  describe('a command', () => {
    const plan = (ids: readonly string[], retryOf: string | null = null) =>
      planOperation(session, {
        act: 'run',
        sandboxKeys: ids.map(localKey),
        params: { command: 'true', limitMs: 1_000 },
        retryOf,
      });

    it('plans running sandboxes, including protected ones, without a confirmation phrase', async () => {
      const [a, kept, paused] = await Promise.all([
        engine.create(),
        engine.create({ metadata: { protected: 'true' } }),
        engine.create(),
      ]);
      await engine.call('POST', `/sandboxes/${paused}/pause`);
      const planned = await plan([a, kept, paused, 'igone']);
      expect(planned.targets.map(({ id }) => id)).toEqual([a, kept]);
      expect(planned.skipped.map(({ sandboxKey, kind }) => [sandboxKey, kind])).toEqual([
        [localKey(paused), 'state'],
        ['local/igone', 'gone'],
      ]);
      expect(planned.mustType).toBeNull();
    });

    it('does not start with the plan of a kill, nor the reverse', async () => {
      const id = await engine.create();
      const kill = await planKill([id]);
      const run = await plan([id]);
      const words = { typed: '', reason: '', filter: '' };
      for (const wrong of [
        { token: kill.token, act: 'run' as const },
        { token: run.token, act: 'kill' as const },
      ])
        expect(await thrownBy(() => startPlanned(session, { ...wrong, ...words }))).toMatchObject({
          code: 'forbidden',
        });
      expect((await engine.detail(id)).state).toBe('running');
    });

    it('is retried only where it was never sent', async () => {
      const [sent, unsent] = await Promise.all([engine.create(), engine.create()]);
      const earlier = { operationId: `earlier-${sent}`, sandboxKey: localKey(sent) };
      await recordCommandStart(earlier, Date.now());
      expect(await thrownBy(() => plan([sent, unsent], earlier.operationId))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('never sends it twice'),
      });
      expect((await plan([unsent], earlier.operationId)).targets).toHaveLength(1);
    });
  });

  describe('a change of the time left', () => {
    const input = (ids: readonly string[], params: { timeoutMs: number } | { addMs: number }) =>
      ({ act: 'setTimeout', sandboxKeys: ids.map(localKey), params, retryOf: null }) as const;
    const words = { act: 'setTimeout', typed: '', reason: '', filter: '' } as const;

    it('never shortens one of several without a plan', async () => {
      const [long, short] = await Promise.all([
        engine.create({ timeout: 50 * 60 }),
        engine.create({ timeout: 5 * 60 }),
      ]);
      const { endAt } = await engine.detail(long);
      const toLess = input([long, short], { timeoutMs: 15 * MINUTE_MS });
      expect(await thrownBy(() => operateNow(session, toLess, ''))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('leave 1 of 2 sandboxes less time'),
      });
      expect((await engine.detail(long)).endAt).toBe(endAt);

      const added = await operateNow(session, input([long, short], { addMs: 5 * MINUTE_MS }), '');
      await isFinished(added.operation);
      for (const id of [long, short]) {
        const item = (await listItems(added.operation.id)).find(
          ({ sandboxKey }) => sandboxKey === localKey(id),
        );
        expect(item).toMatchObject({ outcome: 'done', message: null });
      }
      expect(Date.parse((await engine.detail(long)).endAt) - Date.parse(endAt)).toBeGreaterThan(
        4 * MINUTE_MS,
      );
    });

    it('shortens what a plan showed, and skips what has got more time since', async () => {
      const [shown, extended] = await Promise.all([
        engine.create({ timeout: 50 * 60 }),
        engine.create({ timeout: 5 * 60 }),
      ]);
      const plan = await planOperation(session, input([shown, extended], { timeoutMs: 15 * MINUTE_MS }));
      await engine.call('POST', `/sandboxes/${extended}/timeout`, { timeout: 55 * 60 });
      const operation = await startPlanned(session, { ...words, token: plan.token });
      await isFinished(operation);
      const items = await listItems(operation.id);
      expect(items).toMatchObject([
        { sandboxKey: localKey(shown), outcome: 'done' },
        {
          sandboxKey: localKey(extended),
          outcome: 'skipped',
          message: expect.stringContaining('given more time'),
        },
      ]);
      const leftMs = Date.parse((await engine.detail(shown)).endAt) - Date.now();
      expect(leftMs).toBeLessThan(16 * MINUTE_MS);
    });
  });

  describe('a cancel', () => {
    it('is refused for an unknown or finished operation', async () => {
      expect(await thrownBy(() => stopOperation(session, 'nothing'))).toMatchObject({ code: 'not_found' });
      const operation = await pauseNow([await engine.create()]);
      await isFinished(operation);
      expect(await thrownBy(() => stopOperation(session, operation.id))).toMatchObject({ code: 'conflict' });
    });

    it('records the person', async () => {
      const ids = await Promise.all(Array.from({ length: 30 }, () => engine.create()));
      await engine.fault({ route: 'POST /sandboxes/*/pause', latencyMs: 500 });
      const operation = await pauseNow(ids);
      await stopOperation(another, operation.id);
      await stopOperation(session, operation.id);
      await isFinished(operation);
      expect(await findOperation(operation.id)).toMatchObject({ cancelledBy: 'li', state: 'finished' });
    });
  });

  describe('an unknown outcome', () => {
    it('is clarified by a recheck', async () => {
      const there = localKey(await engine.create());
      const operation = await recordNew([there, 'local/igone', 'local/idone']);
      await claimItems(operation.id, { owner: 'me', leaseMs: 60_000, max: 10 });
      const outcome = (sandboxKey: SandboxKey, was: 'unknown' | 'done') => ({
        operationId: operation.id,
        sandboxKey,
        outcome: was,
        message: 'Before.',
        tookMs: 5,
      });
      await recordOutcomes('me', [
        outcome(there, 'unknown'),
        outcome('local/igone', 'unknown'),
        outcome('local/idone', 'done'),
      ]);
      await recheckUnknown(session, operation.id);
      expect(await listItems(operation.id)).toEqual([
        { sandboxKey: there, outcome: 'failed', message: 'It was running when ana rechecked it.', tookMs: 5 },
        {
          sandboxKey: 'local/igone',
          outcome: 'done',
          message: 'It was gone when ana rechecked it.',
          tookMs: 5,
        },
        { sandboxKey: 'local/idone', outcome: 'done', message: 'Before.', tookMs: 5 },
      ]);
    });
  });

  describe('an action without a plan', () => {
    it('changes the sandboxes it can and returns the skipped ones', async () => {
      const [running, paused] = [await engine.create(), await engine.create()];
      await engine.call('POST', `/sandboxes/${paused}/pause`);
      const { operation, skipped } = await operateNow(
        session,
        { act: 'pause', sandboxKeys: [running, paused].map(localKey), params: {}, retryOf: null },
        'owner=ana',
      );
      expect(skipped).toMatchObject([
        { sandboxKey: localKey(paused), kind: 'state', reason: 'It is already paused.' },
      ]);
      expect(operation.filter).toBe('owner=ana');
      await isFinished(operation);
      expect((await engine.detail(running)).state).toBe('paused');
    });

    it('skips sandboxes of another operation', async () => {
      const id = await engine.create();
      await engine.fault({ route: `POST /sandboxes/${id}/pause`, latencyMs: 600 });
      const operation = await pauseNow([id]);
      expect(await thrownBy(() => pauseNow([id]))).toMatchObject({
        code: 'conflict',
        message: 'Another operation is working on it.',
      });
      await isFinished(operation);
    });

    it('starts at once', async () => {
      const id = await engine.create();
      const operation = await pauseNow([id]);
      await isFinished(operation);
      expect((await engine.detail(id)).state).toBe('paused');
    });

    it('is refused with the reason if the state forbids it', async () => {
      const id = await engine.create();
      const resume = () =>
        operateNow(session, { act: 'resume', sandboxKeys: [localKey(id)], params: {}, retryOf: null }, '');
      expect(await thrownBy(resume)).toMatchObject({ code: 'conflict', message: 'It is already running.' });
      await engine.call('DELETE', `/sandboxes/${id}`);
      expect(await thrownBy(resume)).toMatchObject({ message: 'It is already terminated.' });
    });

    it('updates the fleet view', async () => {
      const watcher = fleetWatcher('local');
      const id = await engine.create();
      await pauseNow([id]).then(isFinished);
      expect(watcher.snapshot().sandboxes).toContainEqual(expect.objectContaining({ id, state: 'paused' }));
    });
  });
});
