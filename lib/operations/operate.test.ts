import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '../access/sessions';
import { database } from '../db/client';
import { fleetWatcher } from '../fleet/watcher';
import { eventually, giveEngine, thrownBy } from '../test-support/house';
import { operateNow, planOperation, startPlanned } from './operate';
import { operationRunner } from './runner';
import type { Operation, OperationEvent } from './schema';
import { findOperation } from './store';

const MINUTE_MS = 60_000;
const engine = giveEngine();
const session: Session = { id: 'session-1', role: 'operator', actor: 'ana', expiresAtMs: 0 };
const another: Session = { ...session, id: 'session-2', actor: 'li' };
const EXPIRED = 'This confirmation has expired. Look again and confirm what is shown then.';

const events: OperationEvent[] = [];
beforeEach(() => {
  events.length = 0;
  onTestFinished(operationRunner().listen((event) => events.push(event)));
});
afterAll(async () => (await database()).destroy());

const planKill = (sandboxIds: string[], who = session) =>
  planOperation(who, { act: 'kill', sandboxIds, params: {} });
const isFinished = ({ id }: Operation) =>
  eventually(() => events.some(({ operation }) => operation.id === id && operation.state === 'finished'));

describe('a plan', () => {
  it('shows each sandbox as it is now, once, and who is left out', async () => {
    const [a, b] = await Promise.all([engine.create({ metadata: { owner: 'ana' } }), engine.create()]);
    const plan = await planKill([a, b, a, 'igone']);
    expect(plan.targets.map(({ id }) => id)).toEqual([a, b]);
    expect(plan.targets[0]).toMatchObject({ state: 'running', metadata: { owner: 'ana' } });
    expect(plan.skipped).toEqual([{ sandboxId: 'igone', reason: 'It is already terminated.' }]);
    expect(plan.expiresAtMs - Date.now()).toBeGreaterThan(9 * MINUTE_MS);
  });

  it('starts exactly what it showed, and is recorded with who and for which filter', async () => {
    const [shown, other] = await Promise.all([engine.create(), engine.create()]);
    const plan = await planKill([shown]);
    const operation = await startPlanned(session, plan.token, 'owner=ana');
    expect(operation).toMatchObject({ id: plan.token, act: 'kill', actor: 'ana', state: 'running' });
    await isFinished(operation);
    expect([(await engine.detail(shown)).status, (await engine.detail(other)).status]).toEqual([404, 200]);
    const row = await (await database())
      .selectFrom('operations')
      .selectAll()
      .where('id', '=', plan.token)
      .executeTakeFirst();
    expect(row).toMatchObject({ actor: 'ana', filter: 'owner=ana', act: 'kill', state: 'finished' });
  });

  it('belongs to the session that asked for it', async () => {
    const { token } = await planKill([await engine.create()]);
    expect(await thrownBy(() => startPlanned(another, token, ''))).toMatchObject({
      code: 'conflict',
      message: EXPIRED,
    });
    expect(await thrownBy(() => startPlanned(session, `${token}x`, ''))).toMatchObject({ message: EXPIRED });
    expect(await findOperation(token)).toBeNull();
  });

  it('expires', async () => {
    const { token } = await planKill([await engine.create()]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * MINUTE_MS });
    onTestFinished(() => void vi.useRealTimers());
    expect(await thrownBy(() => startPlanned(session, token, ''))).toMatchObject({ message: EXPIRED });
  });

  it('that is started twice is started once', async () => {
    const id = await engine.create();
    const { token } = await planKill([id]);
    const [first, second] = await Promise.all([
      startPlanned(session, token, ''),
      startPlanned(session, token, ''),
    ]);
    expect(second).toEqual(first);
    await isFinished(first);
    const late = await startPlanned(session, token, '');
    expect(late).toMatchObject({ id: first.id, state: 'finished', createdAtMs: first.createdAtMs });
    const sent = events.filter(({ items }) => items.some(({ outcome }) => outcome === 'sending'));
    expect(sent).toHaveLength(1);
  });

  it('is not started when a sandbox is no longer as it was shown', async () => {
    const [id, other] = await Promise.all([engine.create(), engine.create()]);
    const { token } = await planKill([other, id]);
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await thrownBy(() => startPlanned(session, token, ''))).toMatchObject({
      code: 'conflict',
      message: `${id} changed: it was running and is now paused. Confirm again.`,
    });
    await engine.call('POST', `/sandboxes/${id}/resume`, { timeout: 300 });
    expect(await thrownBy(() => startPlanned(session, token, ''))).toMatchObject({
      message: `${id} changed: it was resumed meanwhile. Confirm again.`,
    });
    expect((await engine.detail(other)).status).toBe(200);
  });

  it('goes on when a sandbox has gone by itself', async () => {
    const id = await engine.create();
    const { token } = await planKill([id]);
    await engine.call('DELETE', `/sandboxes/${id}`);
    const operation = await startPlanned(session, token, '');
    await isFinished(operation);
    expect(events.flatMap(({ items }) => items).at(-1)).toEqual({
      sandboxId: id,
      outcome: 'already',
      message: 'It was already terminated.',
    });
  });

  it('of nothing is not started', async () => {
    const { token } = await planKill(['igone']);
    expect(await thrownBy(() => startPlanned(session, token, ''))).toMatchObject({
      code: 'conflict',
      message: 'There is nothing to do.',
    });
  });

  it('fails when the service does', async () => {
    await engine.fault({ route: 'GET /sandboxes/*', status: 503 });
    expect(await thrownBy(() => planKill(['i0']))).toMatchObject({ code: 'unavailable' });
  });
});

describe('an act that can be undone', () => {
  it('is done at once', async () => {
    const id = await engine.create();
    const operation = await operateNow(session, { act: 'pause', sandboxIds: [id], params: {} });
    await isFinished(operation);
    expect((await engine.detail(id)).state).toBe('paused');
  });

  it('that the state forbids is refused with the reason', async () => {
    const id = await engine.create();
    const resume = () => operateNow(session, { act: 'resume', sandboxIds: [id], params: {} });
    expect(await thrownBy(resume)).toMatchObject({ code: 'conflict', message: 'It is already running.' });
    await engine.call('DELETE', `/sandboxes/${id}`);
    expect(await thrownBy(resume)).toMatchObject({ message: 'It is already terminated.' });
  });

  it('tells everybody who looks at the fleet', async () => {
    const watcher = fleetWatcher();
    onTestFinished(() => watcher.close());
    const id = await engine.create();
    await operateNow(session, { act: 'pause', sandboxIds: [id], params: {} }).then(isFinished);
    expect(watcher.snapshot().sandboxes).toContainEqual(expect.objectContaining({ id, state: 'paused' }));
  });
});
