import { expect, it, vi } from 'vitest';
import { database } from '../../db/client';
import { rowWith } from '../../fleet/test-fleet';
import type { SandboxKey } from '../../sandbox-key';
import { describeOnDatabases } from '../../test-support/databases';
import { localKey, setUpDataDir } from '../../test-support/environment';
import type { Outcome } from '../schema';
import { newOperation, recordNew } from '../test-operations';
import { findArchived, findArchiveOf, findLastArchive } from './archives';
import { claimItems, listClaimed, recordArchive, recordOutcomes } from './claims';
import { itemClaims } from './open-items';
import {
  countItems,
  findOperation,
  findOurKill,
  finishIfDone,
  forgetOperationsBefore,
  listItems,
  listRunning,
  recordCancel,
  recordClarified,
  recordOperation,
} from './store';

setUpDataDir();

const HOUR_MS = 3_600_000;
const claim = (id: string, owner: string, max = 1_000) => claimItems(id, { owner, leaseMs: HOUR_MS, max });
const write = (
  owner: string,
  operationId: string,
  sandboxKey: SandboxKey,
  outcome: Outcome,
  message?: string,
) => recordOutcomes(owner, [{ operationId, sandboxKey, outcome, message: message ?? null, tookMs: 7 }]);
const outcomesOf = async (id: string) =>
  Object.fromEntries((await listItems(id)).map(({ sandboxKey, outcome }) => [sandboxKey, outcome]));

describeOnDatabases('operations', () => {
  it('are recorded once, with all sandboxes', async () => {
    const keys = Array.from({ length: 250 }, (_, at) => localKey(`i${at}`));
    const operation = await recordNew(keys, {
      act: 'resume',
      params: { timeoutMs: 1_000, autoPause: true },
      reason: 'leftovers',
      filter: 'owner=ü',
      retryOf: 'another',
    });
    expect(await recordOperation({ ...operation, actor: 'li', targets: [] })).toBe(false);
    expect(await findOperation(operation.id)).toEqual(operation);
    const items = await listItems(operation.id);
    expect(items.map(({ sandboxKey }) => sandboxKey)).toEqual(keys);
    expect(items[0]).toEqual({ sandboxKey: 'local/i0', outcome: 'waiting', message: null, tookMs: null });
  });

  it('are recorded with all items or not at all', async () => {
    const { sandbox } = rowWith({ id: 'twice' });
    const operation = newOperation();
    await expect(recordOperation({ ...operation, targets: [sandbox, sandbox] })).rejects.toThrow();
    expect(await findOperation(operation.id)).toBeNull();
    expect(await listItems(operation.id)).toEqual([]);
  });

  it('stamp their items with the time of the database, not of a process with a wrong clock', async () => {
    const operation = await recordNew(['local/early', 'local/late']);
    await claim(operation.id, 'p1', 1);
    const nowMs = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(nowMs + 24 * HOUR_MS);
    await write('p1', operation.id, 'local/early', 'done');
    await recordCancel(operation.id, 'ana', nowMs);
    clock.mockRestore();
    const rows = await (await database())
      .selectFrom('operation_items')
      .select('updated_at_ms')
      .where('operation_id', '=', operation.id)
      .execute();
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(Math.abs(Number(row.updated_at_ms) - nowMs)).toBeLessThan(HOUR_MS);
  });

  it('are claimed by one process only, in order', async () => {
    const operation = await recordNew(['local/a', 'local/b', 'local/c', 'local/d', 'local/e']);
    const first = await claim(operation.id, 'p1', 2);
    expect(first).toEqual([
      { sandboxKey: 'local/a', sandbox: rowWith({ id: 'a' }).sandbox, wasClaimed: false },
      { sandboxKey: 'local/b', sandbox: rowWith({ id: 'b' }).sandbox, wasClaimed: false },
    ]);
    expect((await claim(operation.id, 'p2')).map(({ sandboxKey }) => sandboxKey)).toEqual([
      'local/c',
      'local/d',
      'local/e',
    ]);
    expect(await claim(operation.id, 'p1')).toEqual([]);
    expect((await listClaimed('p1')).size).toBe(2);
  });

  it('are claimed without overlap by concurrent processes', async () => {
    const operation = await recordNew(Array.from({ length: 300 }, (_, at) => localKey(`i${at}`)));
    const claims = await Promise.all(
      ['p1', 'p2', 'p3', 'p4'].map((owner) => claim(operation.id, owner, 200)),
    );
    const keys = claims.flat().map(({ sandboxKey }) => sandboxKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('can be claimed again after the claim expires, and are marked as claimed before', async () => {
    const operation = await recordNew(['local/a', 'local/b']);
    await claimItems(operation.id, { owner: 'dead', leaseMs: -1, max: 1 });
    expect((await claim(operation.id, 'next')).map(({ wasClaimed }) => wasClaimed)).toEqual([true, false]);
  });

  it('stay claimed while renewed, and are free once released', async () => {
    const operation = await recordNew(['local/a']);
    await claimItems(operation.id, { owner: 'p', leaseMs: -1, max: 1 });
    await itemClaims.renew({ owner: 'p', leaseMs: HOUR_MS });
    expect(await claim(operation.id, 'q')).toEqual([]);
    expect(await itemClaims.listOwners()).toContain('p');
    await itemClaims.release('p');
    expect(await itemClaims.listOwners()).not.toContain('p');
    expect(await claim(operation.id, 'q')).toHaveLength(1);
  });

  it('accept an outcome once, from the owner of the claim', async () => {
    const operation = await recordNew(['local/a', 'local/b']);
    await claim(operation.id, 'p', 1);
    await write('q', operation.id, 'local/a', 'failed');
    await write('p', operation.id, 'local/b', 'failed');
    expect(await outcomesOf(operation.id)).toEqual({ 'local/a': 'waiting', 'local/b': 'waiting' });
    await write('p', operation.id, 'local/a', 'done', 'So.');
    await write('p', operation.id, 'local/a', 'failed', 'Otherwise.');
    expect((await listItems(operation.id))[0]).toEqual({
      sandboxKey: 'local/a',
      outcome: 'done',
      message: 'So.',
      tookMs: 7,
    });
    expect((await countItems([operation.id])).get(operation.id)).toMatchObject({ done: 1, waiting: 1 });
  });

  it('keep the archive that the owner of the claim recorded', async () => {
    const operation = await recordNew(['local/saved-a', 'local/saved-b']);
    await claim(operation.id, 'p', 1);
    const saved = {
      name: `${operation.id}/local.saved-a.tar.gz`,
      bytes: 3_000_000_000,
      entries: 7,
      leftOut: 1,
    };
    const input = { operationId: operation.id, sandboxKey: localKey('saved-a'), saved };
    expect(await recordArchive('q', input)).toBe(false);
    expect(await findArchiveOf(operation.id, 'local/saved-a')).toBeNull();
    expect(await recordArchive('p', input)).toBe(true);
    await write('p', operation.id, 'local/saved-a', 'failed');
    expect(await recordArchive('p', { ...input, saved: { ...saved, bytes: 1 } })).toBe(false);
    expect(await findArchiveOf(operation.id, 'local/saved-a')).toEqual(saved);
    expect(await findArchived(operation.id, saved.name)).toBe('local/saved-a');
    // Names are compared whole, and are no patterns.
    for (const name of ['saved-a.tar.gz', saved.name.replace('-', '_'), '%'])
      expect(await findArchived(operation.id, name)).toBeNull();
    expect(await findLastArchive('local/saved-a')).toEqual(saved);
    expect(await findLastArchive('other/saved-a')).toBeNull();
    expect(await findLastArchive('local/saved-b')).toBeNull();
    const [first, second] = await listItems(operation.id);
    expect(first).toMatchObject({ outcome: 'failed', saved });
    expect(second).not.toHaveProperty('saved');
  });

  it('accept outcomes in batches', async () => {
    const [first, second] = [
      await recordNew(Array.from({ length: 250 }, (_, at) => localKey(`i${at}`))),
      await recordNew(['local/i0', 'local/i1']),
    ];
    for (const { id } of [first, second]) await claim(id, 'p1');
    const outcomes = [first, second].flatMap(({ id, counts }) =>
      Array.from({ length: counts.waiting }, (_, at) => ({
        operationId: id,
        sandboxKey: localKey(`i${at}`),
        outcome: at % 7 === 0 ? ('failed' as const) : ('done' as const),
        message: at % 5 === 0 ? `why ${at % 2}, "ü" and 'all'` : null,
        tookMs: at % 3 === 0 ? null : 2_000_000_000 + at,
      })),
    );
    await recordOutcomes('p1', outcomes);
    for (const { id } of [first, second]) {
      const expected = outcomes.filter(({ operationId }) => operationId === id);
      expect(await listItems(id)).toEqual(expected.map(({ operationId: _, ...item }) => item));
    }
  });

  it('finish when no item is open', async () => {
    const operation = await recordNew(['local/a']);
    expect(await finishIfDone(operation.id, 5)).toBe(false);
    expect(await listRunning()).toContain(operation.id);
    await claim(operation.id, 'p');
    await write('p', operation.id, 'local/a', 'done');
    expect([await finishIfDone(operation.id, 5), await finishIfDone(operation.id, 6)]).toEqual([true, true]);
    expect(await findOperation(operation.id)).toMatchObject({ state: 'finished', finishedAtMs: 5 });
    expect(await listRunning()).not.toContain(operation.id);
  });

  it('are cancelled once, without changing claimed items', async () => {
    const operation = await recordNew(['local/a', 'local/b', 'local/c']);
    await claim(operation.id, 'p', 1);
    expect(await recordCancel(operation.id, 'li', 9)).toBe(true);
    expect(await recordCancel(operation.id, 'ana', 10)).toBe(false);
    expect(await findOperation(operation.id)).toMatchObject({ cancelledBy: 'li', cancelledAtMs: 9 });
    expect(await outcomesOf(operation.id)).toEqual({
      'local/a': 'waiting',
      'local/b': 'cancelled',
      'local/c': 'cancelled',
    });
    expect(await claim(operation.id, 'q')).toEqual([]);
    await write('p', operation.id, 'local/a', 'done');
    await finishIfDone(operation.id, 11);
    expect(await recordCancel(operation.id, 'li', 12)).toBe(false);
    expect(await recordCancel('nothing', 'li', 12)).toBe(false);
  });

  it('are clarified only if unknown', async () => {
    const operation = await recordNew(['local/a', 'local/b']);
    await claim(operation.id, 'p');
    await write('p', operation.id, 'local/a', 'unknown');
    await write('p', operation.id, 'local/b', 'done');
    const clear = (sandboxKey: SandboxKey) => ({
      sandboxKey,
      outcome: 'failed' as const,
      message: null,
      tookMs: 7,
    });
    await recordClarified(operation.id, [clear('local/a'), clear('local/b')]);
    expect(await outcomesOf(operation.id)).toEqual({ 'local/a': 'failed', 'local/b': 'done' });
  });

  it('return the last verified kill of a sandbox', async () => {
    const pause = await recordNew(['local/mine'], { act: 'pause' });
    const failed = await recordNew(['local/mine']);
    const first = await recordNew(['local/mine']);
    const last = await recordNew(['local/mine'], { actor: 'li' });
    for (const { id } of [pause, failed, first, last]) await claim(id, 'p');
    await write('p', pause.id, 'local/mine', 'done');
    await write('p', failed.id, 'local/mine', 'already');
    expect(await findOurKill('local/mine')).toBeNull();
    const before = Date.now();
    await write('p', first.id, 'local/mine', 'done');
    expect((await findOurKill('local/mine'))?.actor).toBe('ana');
    while (Date.now() <= before + 1) await new Promise((resolve) => setImmediate(resolve));
    await write('p', last.id, 'local/mine', 'done');
    const kill = await findOurKill('local/mine');
    expect(kill).toMatchObject({ actor: 'li', operationId: last.id });
    expect(kill?.atMs).toBeGreaterThan(before);
    expect(kill?.sandbox).toEqual(rowWith({ id: 'mine' }).sandbox);
    expect(await findOurKill('other/mine')).toBeNull();
  });

  it('are deleted with their items if finished and old', async () => {
    const old = await recordNew(['local/a'], { state: 'finished', finishedAtMs: 1_000 });
    const running = await recordNew(['local/a'], { createdAtMs: 500 });
    await forgetOperationsBefore(2_000);
    expect(await findOperation(old.id)).toBeNull();
    expect(await listItems(old.id)).toEqual([]);
    expect(await listItems(running.id)).toHaveLength(1);
  });

  it('return null for unknown ids', async () => {
    expect(await findOperation('none')).toBeNull();
  });
});
