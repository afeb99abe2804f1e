import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConnectionFields } from '../../connection';
import { connections } from '../../connections/registry';
import { keySeal } from '../../connections/secret-key';
import { addConnection } from '../../connections/store';
import { database } from '../../db/client';
import { rowWith } from '../../fleet/test-fleet';
import { fleetWatcher } from '../../fleet/watchers';
import { serviceClockOf } from '../../sandbox-api/configured';
import { eventually, localKey, serveHttp, setUpEngine } from '../../test-support/environment';
import { ALL } from '../../test-support/people';
import { claimItems, recordArchive, recordOutcomes } from './claims';
import { findEnding } from './ending';
import { recordOperation } from './store';

const engine = setUpEngine();
afterAll(async () => (await database()).destroy());

function killBy(actor: string) {
  return {
    act: 'kill' as const,
    params: {},
    actorId: `user-${actor}`,
    actor,
    reason: '',
    filter: '',
    state: 'running' as const,
    createdAtMs: 1,
    startsAtMs: 1,
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
  };
}

describe('findEnding', () => {
  it('names the person and the last state of a sandbox that was killed here', async () => {
    const { sandbox } = rowWith({ id: 'iours', metadata: { owner: 'ana' } });
    await recordOperation({ ...killBy('li'), id: 'o1', targets: [sandbox] });
    await claimItems('o1', { owner: 'here', leaseMs: 60_000, max: 1 });
    const done = {
      operationId: 'o1',
      sandboxKey: sandbox.key,
      outcome: 'done',
      message: null,
      tookMs: 80,
    } as const;
    await recordOutcomes('here', [done]);
    const ending = await findEnding(sandbox.key, ALL);
    expect(ending).toEqual({
      endedAtMs: expect.any(Number),
      how: 'It was killed here by li.',
      last: sandbox,
      operationId: 'o1',
      saved: null,
    });
    expect(Date.now() - (ending?.endedAtMs ?? 0)).toBeLessThan(10_000);
  });

  it('returns the last archive, even if the sandbox was killed elsewhere', async () => {
    const id = await engine.create();
    const { sandbox } = rowWith({ id });
    for (const operationId of ['s1', 's2']) {
      await recordOperation({ ...killBy('li'), id: operationId, targets: [sandbox] });
      await claimItems(operationId, { owner: 'here', leaseMs: 60_000, max: 1 });
      const saved = { name: `${operationId}/local.${id}.tar.gz`, bytes: 300, entries: 2, leftOut: 0 };
      await recordArchive('here', { operationId, sandboxKey: sandbox.key, saved });
      const failed = {
        operationId,
        sandboxKey: sandbox.key,
        outcome: 'failed',
        message: null,
        tookMs: 1,
      } as const;
      await recordOutcomes('here', [failed]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await engine.call('DELETE', `/sandboxes/${id}`);
    expect(await findEnding(sandbox.key, ALL)).toMatchObject({
      how: 'It was killed.',
      saved: { name: `s2/local.${id}.tar.gz` },
    });
  });

  it('returns the reason of the service for a sandbox that ended elsewhere', async () => {
    const killed = await engine.create();
    await engine.call('DELETE', `/sandboxes/${killed}`);
    const expired = await engine.create({ timeout: 0 });
    await eventually(async () => (await engine.detail(expired)).status === 404);
    expect(await findEnding(localKey(killed), ALL)).toEqual({
      endedAtMs: expect.any(Number),
      how: 'It was killed.',
      last: null,
      operationId: null,
      saved: null,
    });
    // The service may report the reason a moment later.
    await eventually(async () => (await findEnding(localKey(expired), ALL))?.how === 'Its time ran out.');
  });

  it('names the end of a sandbox that was killed while paused, which runs leave out', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await engine.call('DELETE', `/sandboxes/${id}`);
    expect(await findEnding(localKey(id), ALL)).toMatchObject({
      how: 'It was killed.',
      endedAtMs: expect.any(Number),
    });
  });

  it('searches later pages of runs for what events no longer cover', async () => {
    await engine.fault({ route: 'GET /events/sandboxes/*', status: 404 });
    const old = await engine.create();
    await engine.call('DELETE', `/sandboxes/${old}`);
    for (let made = 0; made < 120; made += 1) await engine.create();
    expect((await findEnding(localKey(old), ALL))?.how).toBe('It was killed.');
  });

  it('is on our clock, whatever the clock of the service shows', async () => {
    const aheadMs = 7 * 60_000;
    const endedAtMs = Math.floor(Date.now() / 1_000) * 1_000 - 60_000;
    const onTheirs = (ms: number) => new Date(ms + aheadMs);
    const apiUrl = await serveHttp((request, response) => {
      response.setHeader('date', onTheirs(Date.now()).toUTCString());
      if (!request.url?.startsWith('/v2/sandbox-runs')) return void response.writeHead(404).end('{}');
      const [createdAt, endedAt] = [onTheirs(endedAtMs - 1_000), onTheirs(endedAtMs)];
      response.end(JSON.stringify([{ sandboxID: 'i1', createdAt, endedAt, endReason: 'killed' }]));
    });
    const fields = ConnectionFields.parse({ name: 'ahead', kind: 'moru', apiUrl });
    await addConnection(keySeal(), fields, 'moru_0123456789', 'ana');
    await connections().reload();
    const ending = await findEnding('ahead/i1', ALL);
    expect(ending).toMatchObject({ how: 'It was killed.' });
    // The `Date` header has whole seconds.
    expect(Math.abs((ending?.endedAtMs ?? 0) - endedAtMs)).toBeLessThan(10_000);
    const { nowMs, aheadMs: knownMs } = serviceClockOf('ahead/i1');
    expect(Math.abs(knownMs - aheadMs)).toBeLessThan(10_000);
    expect(Math.abs(nowMs - knownMs - Date.now())).toBeLessThan(10_000);
  });

  it('returns null for an unknown id', async () => {
    expect(await findEnding('local/inever', ALL)).toBeNull();
  });

  it.each([404, 500])('falls back to the watcher if the history answers %i', async (status) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    await engine.fault({ route: 'GET /v2/sandbox-runs', status });
    expect(await findEnding('local/inever', ALL)).toBeNull();
    const { sandbox } = rowWith({ id: `iseen${status}` });
    fleetWatcher('local').recordReading(sandbox, Date.now());
    fleetWatcher('local').recordGone(sandbox.key);
    const how = 'It was terminated. The service does not say how.';
    expect(await findEnding(sandbox.key, ALL)).toEqual({
      endedAtMs: expect.any(Number),
      how,
      last: sandbox,
      operationId: null,
      saved: null,
    });
  });
});
