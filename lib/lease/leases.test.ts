import { hostname } from 'node:os';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { database, databaseTimeMs } from '../db/client';
import { idOf } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, localKey } from '../test-support/environment';
import { Leases } from './leases';

const leases = new Leases('wake_leases', sql`(state <> 'ended')`);
const ANY = sql<boolean>`sandbox_key is not null`;
const MINUTE_MS = 60_000;

async function insertRow(id: string, state = 'awake'): Promise<void> {
  const row = {
    sandbox_key: localKey(id),
    id: `wake-${id}`,
    state,
    actor_id: 'user-ana',
    actor: 'ana',
    begun_at_ms: 1,
    timeout_ms: 1,
    is_guarded: 1,
    run_started_at_ms: 1,
    ends_at_ms: 1,
    ending: null,
    problem: null,
    claimed_by: 'nobody',
    claimed_until_ms: 0,
  };
  await (await database()).insertInto('wake_leases').values(row).execute();
}

async function acquire(owner: string, leaseMs: number, where = ANY): Promise<string[]> {
  return (await leases.acquire({ owner, leaseMs }, where)).map(({ sandbox_key }) => idOf(sandbox_key));
}

/** Sets the clock of the process wrong by `ms` until the end of the test. The clock of the database stays right. */
function shiftClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  onTestFinished(() => void vi.useRealTimers());
}

/** Expects the lease on `a` to run for `leaseMs` by the clock of the database. Allows for a slow test. */
async function expectLeft(leaseMs: number): Promise<void> {
  const db = await database();
  const { rows } = await sql<{ left_ms: number }>`
    select claimed_until_ms - ${databaseTimeMs(db)} as left_ms from wake_leases where sandbox_key = 'local/a'`.execute(
    db,
  );
  expect(rows[0]?.left_ms).toBeLessThanOrEqual(leaseMs);
  expect(rows[0]?.left_ms).toBeGreaterThan(leaseMs - MINUTE_MS / 2);
}

describeOnDatabases('leases', () => {
  beforeEach(async () => {
    await (await database()).deleteFrom('wake_leases').execute();
    await insertRow('a');
  });

  it('gives a row to one owner until the lease expires', async () => {
    expect(await acquire('p', MINUTE_MS)).toEqual(['a']);
    expect(await acquire('q', MINUTE_MS)).toEqual([]);
    await leases.renew({ owner: 'p', leaseMs: 200 });
    await eventually(async () => (await acquire('q', MINUTE_MS)).length === 1);
    expect(await acquire('p', MINUTE_MS)).toEqual([]);
  });

  it('gives each row to one of several owners that acquire at the same time', async () => {
    for (let at = 0; at < 50; at += 1) await insertRow(`row-${at}`);
    const acquired = await Promise.all(['p', 'q', 'r', 's'].map((owner) => acquire(owner, MINUTE_MS)));
    expect(acquired.flat()).toHaveLength(51);
    expect(new Set(acquired.flat()).size).toBe(51);
  });

  it('acquires only open rows that match', async () => {
    await insertRow('b');
    await insertRow('over', 'ended');
    expect(await acquire('p', MINUTE_MS, sql`sandbox_key <> 'local/a'`)).toEqual(['b']);
    expect((await leases.listHeld('p')).map(({ id }) => id)).toEqual(['wake-b']);
  });

  it('renews only the leases of the owner', async () => {
    await acquire('p', -1);
    await leases.renew({ owner: 'q', leaseMs: MINUTE_MS });
    expect(await acquire('r', -1)).toEqual(['a']);
    await leases.renew({ owner: 'r', leaseMs: MINUTE_MS });
    expect(await acquire('p', MINUTE_MS)).toEqual([]);
  });

  it('does not renew a lease that another owner has taken over', async () => {
    await acquire('p', -1);
    await acquire('q', -1);
    await leases.renew({ owner: 'p', leaseMs: MINUTE_MS });
    expect(await leases.listHeld('p')).toEqual([]);
    expect(await acquire('r', MINUTE_MS)).toEqual(['a']);
  });

  it('releases only the leases of the owner and keeps its name', async () => {
    await acquire('p', MINUTE_MS);
    await leases.release('q');
    expect(await acquire('q', MINUTE_MS)).toEqual([]);
    expect(await leases.listOwners()).toEqual(['p']);
    await leases.release('p');
    expect(await leases.listOwners()).toEqual([]);
    expect(await leases.listHeld('p')).toHaveLength(1);
    expect(await acquire('q', MINUTE_MS)).toEqual(['a']);
  });

  it('releases the leases of ended processes of this machine', async () => {
    const self = `${hostname()}/${process.pid}/self`;
    await insertRow('b');
    await insertRow('c');
    await acquire(`${hostname()}/999999999/crashed`, MINUTE_MS, sql`sandbox_key = 'local/a'`);
    await acquire('elsewhere/999999999/unknown', MINUTE_MS, sql`sandbox_key = 'local/b'`);
    await acquire(self, MINUTE_MS, sql`sandbox_key = 'local/c'`);
    await leases.releaseEnded(self);
    expect(await acquire('next', MINUTE_MS)).toEqual(['a']);
  });

  describe.each([
    ['fast', 10 * MINUTE_MS],
    ['slow', -10 * MINUTE_MS],
  ])('with a process clock that is 10 minutes %s', (_, errorMs) => {
    it('does not take a lease early', async () => {
      await acquire('p', MINUTE_MS);
      shiftClock(errorMs);
      expect(await acquire('q', MINUTE_MS)).toEqual([]);
    });

    it('takes a lease that has expired', async () => {
      await acquire('p', -1);
      shiftClock(errorMs);
      expect(await acquire('q', MINUTE_MS)).toEqual(['a']);
    });

    it('acquires and renews for as long as requested', async () => {
      shiftClock(errorMs);
      await acquire('p', MINUTE_MS);
      await expectLeft(MINUTE_MS);
      await leases.renew({ owner: 'p', leaseMs: 2 * MINUTE_MS });
      await expectLeft(2 * MINUTE_MS);
    });
  });
});
