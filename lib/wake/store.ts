import 'server-only';
import { type Selectable, sql, type Updateable } from 'kysely';
import { database, databaseTimeMs } from '../db/client';
import type { Database } from '../db/schema';
import { Leases, type LeaseTerms } from '../lease/leases';
import type { SandboxKey } from '../sandbox-key';
import { type LeaseState, parseLeaseState, type WakeEnding } from './schema';

/** A wake as it is stored. Times are epoch ms. */
export type WakeLease = {
  /** Identifies this wake. The next wake of the same sandbox has another id. */
  id: string;
  sandboxKey: SandboxKey;
  state: LeaseState;
  /** Who woke the sandbox. */
  userId: string;
  actor: string;
  begunAtMs: number;
  /** The timeout in the request that woke the sandbox, ms. No other client requests the same one. */
  timeoutMs: number;
  /** Whether the timeout of the sandbox is known to pause it. */
  isGuarded: boolean;
  /** When the lifetime that we started began; 0 while that is unknown. */
  runStartedAtMs: number;
  endsAtMs: number;
  /** How the wake is ending or has ended. */
  ending: WakeEnding | null;
  /** What prevents the next step, as a message for people. */
  problem: string | null;
  /** The process that holds the lease. */
  claimedBy: string;
};

/** A session with a page of the sandbox open. Several sessions may have the same name. */
export type Viewer = { sessionId: string; userId: string; actor: string };

type Row = Selectable<Database['wake_leases']>;

export type LeaseChange = Partial<
  Pick<WakeLease, 'state' | 'isGuarded' | 'runStartedAtMs' | 'endsAtMs' | 'ending' | 'problem' | 'claimedBy'>
> & {
  /** Renews the lease for this long from now. */
  leaseMs?: number;
};

const ENDED: LeaseState = 'ended';
const wakes = new Leases('wake_leases', sql`(state <> ${sql.lit(ENDED)})`);

/** All wakes: those under way, and for a while those that have ended. */
export async function listLeases(): Promise<WakeLease[]> {
  const db = await database();
  const rows = await db.selectFrom('wake_leases').selectAll().orderBy('begun_at_ms').execute();
  return rows.map(leaseOf);
}

export async function findLease(sandboxKey: SandboxKey): Promise<WakeLease | null> {
  const db = await database();
  const query = db.selectFrom('wake_leases').selectAll().where('sandbox_key', '=', sandboxKey);
  const row = await query.executeTakeFirst();
  return row ? leaseOf(row) : null;
}

/** Records a wake before its request is sent. Returns false if a wake of the sandbox is under way. */
export async function beginLease(lease: WakeLease, leaseMs: number): Promise<boolean> {
  const db = await database();
  const row = { ...rowOf(lease), claimed_until_ms: sql<number>`${databaseTimeMs(db)} + ${leaseMs}` };
  const { sandbox_key, ...rest } = row;
  const inserted = await db
    .insertInto('wake_leases')
    .values({ sandbox_key, ...rest })
    .onConflict((conflict) =>
      conflict.column('sandbox_key').doUpdateSet(rest).where('wake_leases.state', '=', ENDED),
    )
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows !== 0n;
}

/**
 * Changes a wake that is in one of the states `from`, and returns the result. Returns null and changes nothing if another
 * process has moved the wake to another state.
 */
export async function changeLease(
  leaseId: string,
  from: readonly LeaseState[],
  { leaseMs, ...change }: LeaseChange,
): Promise<WakeLease | null> {
  const db = await database();
  const row = await db
    .updateTable('wake_leases')
    .set({
      ...columnsOf(change),
      ...(leaseMs === undefined ? {} : { claimed_until_ms: sql<number>`${databaseTimeMs(db)} + ${leaseMs}` }),
    })
    .where('id', '=', leaseId)
    .where('state', 'in', from)
    .returningAll()
    .executeTakeFirst();
  return row ? leaseOf(row) : null;
}

/** Deletes a wake whose sandbox was not woken. */
export async function dropLease(leaseId: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('wake_leases').where('id', '=', leaseId).execute();
}

/**
 * Takes over the wakes whose lease has expired, and returns their ids. Unless other machines share the database, the wakes
 * of ended processes are taken over at once.
 */
export async function takeOverLeases({
  isShared,
  ...terms
}: LeaseTerms & { isShared: boolean }): Promise<string[]> {
  if (!isShared) await wakes.releaseEnded(terms.owner);
  const rows = await wakes.acquire(terms, sql`claimed_by <> ${terms.owner}`);
  return rows.map(({ id }) => id);
}

/** Extends the leases of all wakes of `owner`. */
export function renewLeases(terms: LeaseTerms): Promise<void> {
  return wakes.renew(terms);
}

/** Lets other processes take over the wakes of `owner`. */
export function releaseLeases(owner: string): Promise<void> {
  return wakes.release(owner);
}

/** Deletes the wakes that ended more than `ageMs` ago. */
export async function forgetEndedLeases(ageMs: number): Promise<void> {
  const db = await database();
  await db
    .deleteFrom('wake_leases')
    .where('state', '=', ENDED)
    // The end of a wake ends its lease.
    .where('claimed_until_ms', '<', sql<number>`${databaseTimeMs(db)} - ${ageMs}`)
    .execute();
}

/** Publishes the viewers of a sandbox that are connected to `process`, for `validMs`. An empty list removes them. */
export async function publishViewers(
  process: string,
  sandboxKey: SandboxKey,
  viewers: readonly Viewer[],
  validMs: number,
): Promise<void> {
  const db = await database();
  if (viewers.length === 0) {
    await db
      .deleteFrom('wake_viewers')
      .where('process', '=', process)
      .where('sandbox_key', '=', sandboxKey)
      .execute();
    return;
  }
  const values = {
    viewers: JSON.stringify(viewers),
    until_ms: sql<number>`${databaseTimeMs(db)} + ${validMs}`,
  };
  await db
    .insertInto('wake_viewers')
    .values({ process, sandbox_key: sandboxKey, ...values })
    .onConflict((conflict) => conflict.columns(['sandbox_key', 'process']).doUpdateSet(values))
    .execute();
}

/** Removes all viewers that `process` has published. */
export async function removeViewers(process: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('wake_viewers').where('process', '=', process).execute();
}

/** The viewers that processes other than `process` have published, by sandbox id. Deletes expired rows. */
export async function listOtherViewers(process: string): Promise<Map<SandboxKey, Viewer[]>> {
  const db = await database();
  const isExpired = sql<number>`case when until_ms < ${databaseTimeMs(db)} then 1 else 0 end`;
  const rows = await db
    .selectFrom('wake_viewers')
    .select(['sandbox_key', 'viewers', isExpired.as('is_expired')])
    .where('process', '!=', process)
    .orderBy('process')
    .execute();
  if (rows.some(({ is_expired }) => is_expired === 1))
    await db.deleteFrom('wake_viewers').where('until_ms', '<', databaseTimeMs(db)).execute();
  const viewers = new Map<SandboxKey, Viewer[]>();
  for (const row of rows) {
    if (row.is_expired === 1) continue;
    const published = JSON.parse(row.viewers) as Viewer[];
    viewers.set(row.sandbox_key, [...(viewers.get(row.sandbox_key) ?? []), ...published]);
  }
  return viewers;
}

function leaseOf(row: Row): WakeLease {
  return {
    id: row.id,
    sandboxKey: row.sandbox_key,
    state: parseLeaseState(row.state),
    userId: row.actor_id,
    actor: row.actor,
    begunAtMs: Number(row.begun_at_ms),
    timeoutMs: Number(row.timeout_ms),
    isGuarded: row.is_guarded === 1,
    runStartedAtMs: Number(row.run_started_at_ms),
    endsAtMs: Number(row.ends_at_ms),
    ending: row.ending === null ? null : (JSON.parse(row.ending) as WakeEnding),
    problem: row.problem,
    claimedBy: row.claimed_by,
  };
}

function rowOf(lease: WakeLease): Omit<Row, 'claimed_until_ms'> {
  return {
    id: lease.id,
    sandbox_key: lease.sandboxKey,
    state: lease.state,
    actor_id: lease.userId,
    actor: lease.actor,
    begun_at_ms: lease.begunAtMs,
    timeout_ms: lease.timeoutMs,
    is_guarded: lease.isGuarded ? 1 : 0,
    run_started_at_ms: lease.runStartedAtMs,
    ends_at_ms: lease.endsAtMs,
    ending: lease.ending === null ? null : JSON.stringify(lease.ending),
    problem: lease.problem,
    claimed_by: lease.claimedBy,
  };
}

function columnsOf(change: LeaseChange): Updateable<Database['wake_leases']> {
  const { isGuarded, ending } = change;
  return {
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(isGuarded === undefined ? {} : { is_guarded: isGuarded ? 1 : 0 }),
    ...(change.runStartedAtMs === undefined ? {} : { run_started_at_ms: change.runStartedAtMs }),
    ...(change.endsAtMs === undefined ? {} : { ends_at_ms: change.endsAtMs }),
    ...(ending === undefined ? {} : { ending: ending === null ? null : JSON.stringify(ending) }),
    ...(change.problem === undefined ? {} : { problem: change.problem }),
    ...(change.claimedBy === undefined ? {} : { claimed_by: change.claimedBy }),
  };
}
