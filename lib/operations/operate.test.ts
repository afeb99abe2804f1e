import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '../access/sessions';
import { recordCommandStart } from '../commands/store';
import { database } from '../db/client';
import { fleetWatcher } from '../fleet/watcher';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, setUpEngine, thrownBy } from '../test-support/environment';
import { operateNow, planOperation, recheckUnknown, startPlanned, stopOperation } from './operate';
import { claimItems, recordOutcomes } from './record/claims';
import { findOperation, listItems } from './record/store';
import type { Operation, OperationEvent } from './schema';
import { recordNew } from './test-operations';
import { operationRunner } from './work/runner';

const MINUTE_MS = 60_000;
process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
process.env.SANDKEEPER_BULK_LIMIT = '40';
const engine = setUpEngine();
const session: Session = { id: 'session-1', role: 'admin', actor: 'ana', expiresAtMs: 0 };
const another: Session = { ...session, id: 'session-2', actor: 'li' };
const EXPIRED = 'This confirmation has expired. Check the sandboxes again and confirm.';

afterAll(() => fleetWatcher().close());

const events: OperationEvent[] = [];
beforeEach(() => {
  events.length = 0;
  onTestFinished(operationRunner().listen((event) => events.push(event)));
});

const planKill = (sandboxIds: string[], who = session) =>
  planOperation(who, { act: 'kill', sandboxIds, params: {}, retryOf: null });
const start = (
  token: string,
  more: { typed?: string; reason?: string; filter?: string } = {},
  who = session,
) => startPlanned(who, { token, act: 'kill', typed: '', reason: '', filter: '', ...more });
const pauseNow = (sandboxIds: string[]) =>
  operateNow(session, { act: 'pause', sandboxIds, params: {}, retryOf: null }, '').then(
    ({ operation }) => operation,
  );
const isFinished = ({ id }: Operation) =>
  eventually(() => events.some(({ operation }) => operation.id === id && operation.state === 'finished'));

describeOnDatabases('operations', () => {
  describe('a command', () => {
    const plan = (sandboxIds: string[], retryOf: string | null = null) =>
      planOperation(session, {
        act: 'run',
        sandboxIds,
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
      expect(planned.skipped.map(({ sandboxId, kind }) => [sandboxId, kind])).toEqual([
        [paused, 'state'],
        ['igone', 'gone'],
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
      const earlier = { operationId: `earlier-${sent}`, sandboxId: sent };
      await recordCommandStart(earlier, Date.now());
      expect(await thrownBy(() => plan([sent, unsent], earlier.operationId))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('never sends it twice'),
      });
      expect((await plan([unsent], earlier.operationId)).targets).toHaveLength(1);
    });
  });

  describe('a change of the time left', () => {
    const input = (sandboxIds: string[], params: { timeoutMs: number } | { addMs: number }) =>
      ({ act: 'setTimeout', sandboxIds, params, retryOf: null }) as const;
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
        const item = (await listItems(added.operation.id)).find(({ sandboxId }) => sandboxId === id);
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
        { sandboxId: shown, outcome: 'done' },
        { sandboxId: extended, outcome: 'skipped', message: expect.stringContaining('given more time') },
      ]);
      const leftMs = Date.parse((await engine.detail(shown)).endAt) - Date.now();
      expect(leftMs).toBeLessThan(16 * MINUTE_MS);
    });
  });

  describe('a plan', () => {
    it('shows each sandbox once as it is now, and the skipped ones', async () => {
      const [a, b] = await Promise.all([engine.create({ metadata: { owner: 'ana' } }), engine.create()]);
      const plan = await planKill([a, b, a, 'igone']);
      expect(plan.targets.map(({ id }) => id)).toEqual([a, b]);
      expect(plan.targets[0]).toMatchObject({ state: 'running', metadata: { owner: 'ana' } });
      expect(plan.skipped).toEqual([
        { sandboxId: 'igone', kind: 'gone', reason: 'It is already terminated.', sandbox: null },
      ]);
      expect(plan.mustType).toBe('kill 2');
      expect(plan.expiresAtMs - Date.now()).toBeGreaterThan(4 * MINUTE_MS);
      expect(plan.expiresAtMs - Date.now()).toBeLessThanOrEqual(5 * MINUTE_MS);
    });

    it('starts exactly what it showed, and records the person and filter', async () => {
      const [shown, other] = await Promise.all([engine.create(), engine.create()]);
      const plan = await planKill([shown]);
      const operation = await start(plan.token, { filter: 'owner=ana', reason: ' left over ' });
      expect(operation).toMatchObject({
        id: plan.token,
        act: 'kill',
        actor: 'ana',
        state: 'running',
        reason: 'left over',
      });
      await isFinished(operation);
      expect([(await engine.detail(shown)).status, (await engine.detail(other)).status]).toEqual([404, 200]);
      const row = await (await database())
        .selectFrom('operations')
        .selectAll()
        .where('id', '=', plan.token)
        .executeTakeFirst();
      expect(row).toMatchObject({
        actor: 'ana',
        filter: 'owner=ana',
        reason: 'left over',
        act: 'kill',
        state: 'finished',
      });
    });

    it('belongs to its session', async () => {
      const { token } = await planKill([await engine.create()]);
      expect(await thrownBy(() => start(token, {}, another))).toMatchObject({
        code: 'conflict',
        message: EXPIRED,
      });
      expect(await thrownBy(() => start(`${token}x`))).toMatchObject({ message: EXPIRED });
      expect(await findOperation(token)).toBeNull();
    });

    it('expires', async () => {
      const { token } = await planKill([await engine.create()]);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * MINUTE_MS });
      onTestFinished(() => void vi.useRealTimers());
      expect(await thrownBy(() => start(token))).toMatchObject({ message: EXPIRED });
    });

    it('starts once even if started twice', async () => {
      const id = await engine.create();
      const { token } = await planKill([id]);
      const [first, second] = await Promise.all([start(token), start(token)]);
      expect(second).toEqual(first);
      await isFinished(first);
      const late = await start(token);
      expect(late).toMatchObject({ id: first.id, state: 'finished', createdAtMs: first.createdAtMs });
      const ends = events.filter(
        ({ operation }) => operation.id === first.id && operation.state === 'finished',
      );
      expect(ends).toHaveLength(1);
    });

    it('does not start if its only sandbox has changed', async () => {
      const id = await engine.create();
      const { token } = await planKill([id]);
      await engine.call('POST', `/sandboxes/${id}/pause`);
      expect(await thrownBy(() => start(token))).toMatchObject({
        code: 'conflict',
        message: `${id} changed: it was running and is now paused. Confirm again.`,
      });
      await engine.call('POST', `/sandboxes/${id}/resume`, { timeout: 300 });
      expect(await thrownBy(() => start(token))).toMatchObject({
        message: `${id} changed: it was resumed in the meantime. Confirm again.`,
      });
      expect((await engine.detail(id)).status).toBe(200);
    });

    it('skips changed sandboxes and never adds new ones', async () => {
      const metadata = { batch: 'drift' };
      const ids = await Promise.all(Array.from({ length: 12 }, () => engine.create({ metadata })));
      const [drifted = '', ...same] = ids;
      const { token, mustType } = await planKill(ids);
      await engine.call('POST', `/sandboxes/${drifted}/pause`);
      const late = await engine.create({ metadata });
      const operation = await start(token, { typed: mustType ?? '' });
      await isFinished(operation);
      const items = await listItems(operation.id);
      expect(items.filter(({ outcome }) => outcome !== 'done')).toEqual([
        {
          sandboxId: drifted,
          outcome: 'skipped',
          message: 'Skipped: it was running and is now paused.',
          tookMs: null,
        },
      ]);
      for (const id of same) expect((await engine.detail(id)).status).toBe(404);
      for (const id of [drifted, late]) expect((await engine.detail(id)).status).toBe(200);
    });

    it('does not start a bulk kill without its phrase', async () => {
      const ids = [await engine.create(), await engine.create()];
      const { token } = await planKill(ids);
      for (const typed of ['', 'kill', 'kill 3', 'KILL 2'])
        expect(await thrownBy(() => start(token, { typed }))).toMatchObject({
          code: 'invalid',
          message: 'Type kill 2 to confirm.',
        });
      expect(await findOperation(token)).toBeNull();
      await isFinished(await start(token, { typed: ' kill 2 ' }));
    });

    it('skips protected sandboxes in bulk and asks for the id of a single one', async () => {
      const kept = await engine.create({ metadata: { protected: 'true' } });
      const other = await engine.create();
      const bulk = await planKill([kept, other]);
      expect(bulk.targets.map(({ id }) => id)).toEqual([other]);
      expect(bulk.skipped).toMatchObject([{ sandboxId: kept, kind: 'protected' }]);
      const alone = await planKill([kept]);
      expect(alone.mustType).toBe(kept);
      expect(await thrownBy(() => start(alone.token))).toMatchObject({ code: 'invalid' });
      await isFinished(await start(alone.token, { typed: kept }));
      expect((await engine.detail(kept)).status).toBe(404);
    });

    it('rejects more sandboxes than the limit', async () => {
      const ids = Array.from({ length: 41 }, (_, at) => `i${at}`);
      expect(await thrownBy(() => planKill(ids))).toMatchObject({
        code: 'invalid',
        message:
          'One operation can have at most 40 sandboxes, not 41. Narrow the filter, or split it into several operations.',
      });
    });

    it('handles a sandbox that has already gone', async () => {
      const id = await engine.create();
      const { token } = await planKill([id]);
      await engine.call('DELETE', `/sandboxes/${id}`);
      const operation = await start(token);
      await isFinished(operation);
      expect(await listItems(operation.id)).toEqual([
        { sandboxId: id, outcome: 'already', message: 'It was already terminated.', tookMs: null },
      ]);
    });

    it('does not start if it is empty', async () => {
      const { token } = await planKill(['igone']);
      expect(await thrownBy(() => start(token))).toMatchObject({
        code: 'conflict',
        message: 'There is nothing to do.',
      });
    });

    it('fails if the service fails', async () => {
      await engine.fault({ route: 'GET /sandboxes/*', status: 503 });
      expect(await thrownBy(() => planKill(['i0']))).toMatchObject({ code: 'unavailable' });
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
      const there = await engine.create();
      const operation = await recordNew([there, 'igone', 'idone']);
      await claimItems(operation.id, { owner: 'me', leaseMs: 60_000, max: 10 });
      const outcome = (sandboxId: string, was: 'unknown' | 'done') => ({
        operationId: operation.id,
        sandboxId,
        outcome: was,
        message: 'Before.',
        tookMs: 5,
      });
      await recordOutcomes('me', [
        outcome(there, 'unknown'),
        outcome('igone', 'unknown'),
        outcome('idone', 'done'),
      ]);
      await recheckUnknown(session, operation.id);
      expect(await listItems(operation.id)).toEqual([
        { sandboxId: there, outcome: 'failed', message: 'It was running when ana rechecked it.', tookMs: 5 },
        { sandboxId: 'igone', outcome: 'done', message: 'It was gone when ana rechecked it.', tookMs: 5 },
        { sandboxId: 'idone', outcome: 'done', message: 'Before.', tookMs: 5 },
      ]);
    });
  });

  describe('an action without a plan', () => {
    it('changes the sandboxes it can and returns the skipped ones', async () => {
      const [running, paused] = [await engine.create(), await engine.create()];
      await engine.call('POST', `/sandboxes/${paused}/pause`);
      const { operation, skipped } = await operateNow(
        session,
        { act: 'pause', sandboxIds: [running, paused], params: {}, retryOf: null },
        'owner=ana',
      );
      expect(skipped).toMatchObject([{ sandboxId: paused, kind: 'state', reason: 'It is already paused.' }]);
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
        operateNow(session, { act: 'resume', sandboxIds: [id], params: {}, retryOf: null }, '');
      expect(await thrownBy(resume)).toMatchObject({ code: 'conflict', message: 'It is already running.' });
      await engine.call('DELETE', `/sandboxes/${id}`);
      expect(await thrownBy(resume)).toMatchObject({ message: 'It is already terminated.' });
    });

    it('updates the fleet view', async () => {
      const watcher = fleetWatcher();
      const id = await engine.create();
      await pauseNow([id]).then(isFinished);
      expect(watcher.snapshot().sandboxes).toContainEqual(expect.objectContaining({ id, state: 'paused' }));
    });
  });
});
