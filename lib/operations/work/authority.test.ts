import { expect, it } from 'vitest';
import { unseal } from '../../access/secrets';
import { endSessions, openSession, revokeSession } from '../../access/sessions';
import { createUser, grantRole } from '../../access/users';
import type { SandboxKey } from '../../sandbox-key';
import { describeOnDatabases } from '../../test-support/databases';
import { eventually } from '../../test-support/environment';
import { findOperation, listItems } from '../record/store';
import type { Operation } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { setUpRunners } from './test-runners';

const { engine, openRunner, createMany, readAll, isThere } = setUpRunners();
const NO_LONGER = 60_000;

/** Ana as an admin, with the session in which she starts operations. */
async function signIn() {
  const actorId = await createUser({ name: 'ana' });
  await grantRole(actorId, 'local', 'admin', 'a test');
  const sessionId = unseal('session', await openSession({ userId: actorId, method: 'link' })) ?? '';
  return { actorId, actor: 'ana', sessionId };
}

const outcomes = async ({ id }: Operation) => (await listItems(id)).map(({ outcome }) => outcome).toSorted();
const thereOf = async (keys: readonly SandboxKey[]) =>
  (await Promise.all(keys.map(isThere))).filter(Boolean).length;

describeOnDatabases('an operation', () => {
  it('that waits in its cancel window is cancelled when its session is ended', async () => {
    const keys = await createMany(3);
    const { runner, finished } = openRunner();
    const ana = await signIn();
    const operation = await recordNew(await readAll(keys), { ...ana, startsAtMs: Date.now() + NO_LONGER });
    runner.start(operation, keys.map(waitingItem));
    await endSessions([ana.sessionId], 'Li');
    await runner.recheckAuthority();
    await finished(operation);
    expect(await outcomes(operation)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(await thereOf(keys)).toBe(3);
    expect(await findOperation(operation.id)).toMatchObject({
      state: 'finished',
      cancelledBy: 'Sandkeeper',
      cancelReason: 'Li ended the session in which it was started',
    });
  });

  it('under way sends nothing more, in a process that only reads the database', async () => {
    const keys = await createMany(40);
    await engine.fault({ route: 'DELETE /sandboxes/*', latencyMs: 300 });
    const { runner, events, finished } = openRunner({ maxConcurrency: 2 });
    const ana = await signIn();
    const operation = await recordNew(await readAll(keys), ana);
    runner.start(operation, keys.map(waitingItem));
    await eventually(() => events.some(({ items }) => items.some(({ outcome }) => outcome === 'sending')));
    // As another process does it: this runner is not told.
    await endSessions([ana.sessionId], 'Li');
    await finished(operation);
    const found = await outcomes(operation);
    expect(new Set(found)).toEqual(new Set(['cancelled', 'done']));
    // What was sent within half a second is done; the rest would have taken six seconds.
    expect(found.filter((outcome) => outcome === 'cancelled').length).toBeGreaterThan(10);
    expect(await thereOf(keys)).toBe(found.filter((outcome) => outcome === 'cancelled').length);
  });

  it('goes on when its person signs out, or uses the session no more', async () => {
    const keys = await createMany(4);
    const { runner, finished } = openRunner();
    const ana = await signIn();
    const operation = await recordNew(await readAll(keys), { ...ana, startsAtMs: Date.now() + 600 });
    runner.start(operation, keys.map(waitingItem));
    await revokeSession(ana.sessionId);
    await runner.recheckAuthority();
    await finished(operation);
    expect(await outcomes(operation)).toEqual(['done', 'done', 'done', 'done']);
    expect(await findOperation(operation.id)).toMatchObject({ cancelledAtMs: null });
  });

  it('is cancelled when its person loses the role, and goes on for one who keeps it', async () => {
    const [hers, his] = [await createMany(2), await createMany(2)];
    const { runner, finished } = openRunner();
    const [ana, ben] = [await signIn(), await signIn()];
    const later = Date.now() + 1_500;
    const first = await recordNew(await readAll(hers), { ...ana, startsAtMs: later });
    const second = await recordNew(await readAll(his), { ...ben, startsAtMs: later });
    runner.start(first, hers.map(waitingItem));
    runner.start(second, his.map(waitingItem));
    await grantRole(ana.actorId, 'local', 'operator', 'a test');
    await finished(first);
    await finished(second);
    expect(await outcomes(first)).toEqual(['cancelled', 'cancelled']);
    expect(await findOperation(first.id)).toMatchObject({
      cancelReason: 'ana no longer has the admin role there',
    });
    expect(await outcomes(second)).toEqual(['done', 'done']);
  });

  it('that ends sandboxes by their deadline needs the role of a kill until it is sent', async () => {
    const [ending, moving] = [await createMany(2), await createMany(2)];
    const { runner, finished } = openRunner();
    const ana = await signIn();
    const common = { ...ana, act: 'setTimeout', startsAtMs: Date.now() + 1_500 } as const;
    const end = { timeoutMs: 60_000, ends: 2, endsIn: ['local'] };
    const first = await recordNew(await readAll(ending), { ...common, params: end });
    const second = await recordNew(await readAll(moving), { ...common, params: { timeoutMs: 3_600_000 } });
    runner.start(first, ending.map(waitingItem));
    runner.start(second, moving.map(waitingItem));
    await grantRole(ana.actorId, 'local', 'operator', 'a test');
    await Promise.all([finished(first), finished(second)]);
    expect(await outcomes(first)).toEqual(['cancelled', 'cancelled']);
    expect(await outcomes(second)).toEqual(['done', 'done']);
  });
});
