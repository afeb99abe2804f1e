import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { localKey, thrownBy } from '../test-support/environment';
import { findOperation, listItems } from './record/store';
import { another, EXPIRED, setUpOperations } from './test-operating';

const MINUTE_MS = 60_000;
const { engine, events, planKill, start, isFinished } = setUpOperations();

describeOnDatabases('operations', () => {
  describe('a plan', () => {
    it('shows each sandbox once as it is now, and the skipped ones', async () => {
      const [a, b] = await Promise.all([engine.create({ metadata: { owner: 'ana' } }), engine.create()]);
      const plan = await planKill([a, b, a, 'igone']);
      expect(plan.targets.map(({ id }) => id)).toEqual([a, b]);
      expect(plan.targets[0]).toMatchObject({ state: 'running', metadata: { owner: 'ana' } });
      expect(plan.skipped).toEqual([
        { sandboxKey: 'local/igone', kind: 'gone', reason: 'It is already terminated.', sandbox: null },
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
          sandboxKey: localKey(drifted),
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
      expect(bulk.skipped).toMatchObject([{ sandboxKey: localKey(kept), kind: 'protected' }]);
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
        { sandboxKey: localKey(id), outcome: 'already', message: 'It was already terminated.', tookMs: null },
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
});
