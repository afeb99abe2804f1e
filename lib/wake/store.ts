import 'server-only';
import type { Selectable } from 'kysely';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import { type LeaseState, parseLeaseState, type WakeEnding } from './schema';

/** A review as the database has it. Times in epoch ms. */
export type WakeLease = {
  /** Of this review: another one of the same sandbox has another. */
  id: string;
  sandboxId: string;
  state: LeaseState;
  /** Who woke it. */
  actor: string;
  begunAtMs: number;
  /** What the service was asked for when it was woken, ms: unlike what others ask for. */
  timeoutMs: number;
  /** Whether its time-out pauses it for certain. */
  isGuarded: boolean;
  /** When the run began that is ours; 0 while that is not known. */
  runStartedAtMs: number;
  endsAtMs: number;
  /** How it is ending or has ended. */
  ending: WakeEnding | null;
  /** What keeps it from going on, for people. */
  problem: string | null;
  claimedBy: string;
  claimedUntilMs: number;
};

/** Somebody who looks, by session: names need not be different. */
export type Viewer = { sessionId: string; actor: string };

type Row = Selectable<Database['review_leases']>;
/** What may change of a review. */
export type LeaseChange = Partial<
  Pick<
    WakeLease,
    | 'state'
    | 'isGuarded'
    | 'runStartedAtMs'
    | 'endsAtMs'
    | 'ending'
    | 'problem'
    | 'claimedBy'
    | 'claimedUntilMs'
  >
>;

/** Wakes under way, and those that ended lately. */
export async function listLeases(): Promise<WakeLease[]> {
  const db = await database();
  const rows = await db.selectFrom('review_leases').selectAll().orderBy('begun_at_ms').execute();
  return rows.map(leaseOf);
}

export async function findLease(sandboxId: string): Promise<WakeLease | null> {
  const db = await database();
  const query = db.selectFrom('review_leases').selectAll().where('sandbox_id', '=', sandboxId);
  const row = await query.executeTakeFirst();
  return row ? leaseOf(row) : null;
}

/** Writes a review down before anything is sent. Answers false where one of this sandbox is under way. */
export async function beginLease(lease: WakeLease): Promise<boolean> {
  const db = await database();
  const { sandbox_id, ...rest } = rowOf(lease);
  const inserted = await db
    .insertInto('review_leases')
    .values({ sandbox_id, ...rest })
    .onConflict((conflict) =>
      conflict
        .column('sandbox_id')
        .doUpdateSet(rest)
        .where('review_leases.state', '=', 'ended' satisfies LeaseState),
    )
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows !== 0n;
}

/**
 * Changes a review that is in one of the states `from`, and answers how it stands then; `null` where it is in another,
 * because somebody was quicker, and nothing is changed.
 */
export async function changeLease(
  leaseId: string,
  from: readonly LeaseState[],
  change: LeaseChange,
): Promise<WakeLease | null> {
  const db = await database();
  const row = await db
    .updateTable('review_leases')
    .set(columnsOf(change))
    .where('id', '=', leaseId)
    .where('state', 'in', from)
    .returningAll()
    .executeTakeFirst();
  return row ? leaseOf(row) : null;
}

/** Takes a review back that never came to anything. */
export async function dropLease(leaseId: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('review_leases').where('id', '=', leaseId).execute();
}

/** Takes over a review from `before`, which holds it no more. Answers null where another process was quicker. */
export async function takeOverLease(
  { id, claimedBy }: Pick<WakeLease, 'id' | 'claimedBy'>,
  { owner, untilMs }: { owner: string; untilMs: number },
): Promise<WakeLease | null> {
  const db = await database();
  const row = await db
    .updateTable('review_leases')
    .set({ claimed_by: owner, claimed_until_ms: untilMs })
    .where('id', '=', id)
    .where('claimed_by', '=', claimedBy)
    .where('state', '!=', 'ended' satisfies LeaseState)
    .returningAll()
    .executeTakeFirst();
  return row ? leaseOf(row) : null;
}

/** Holds on to every review of `owner`; with `untilMs` 0, lets others take them. */
export async function renewLeases(owner: string, untilMs: number): Promise<void> {
  const db = await database();
  await db
    .updateTable('review_leases')
    .set({ claimed_until_ms: untilMs })
    .where('claimed_by', '=', owner)
    .where('state', '!=', 'ended' satisfies LeaseState)
    .execute();
}

/** Forgets how reviews ended that ended before `beforeMs`. */
export async function forgetEndedLeases(beforeMs: number): Promise<void> {
  const db = await database();
  await db
    .deleteFrom('review_leases')
    .where('state', '=', 'ended' satisfies LeaseState)
    // A review that ends is held up to that moment.
    .where('claimed_until_ms', '<', beforeMs)
    .execute();
}

/** Says for `process` who looks at a sandbox, until `untilMs` unless it is said again; nobody at all takes it back. */
export async function sayViewers(
  process: string,
  sandboxId: string,
  viewers: readonly Viewer[],
  untilMs: number,
): Promise<void> {
  const db = await database();
  if (viewers.length === 0) {
    await db
      .deleteFrom('review_viewers')
      .where('process', '=', process)
      .where('sandbox_id', '=', sandboxId)
      .execute();
    return;
  }
  const said = { viewers: JSON.stringify(viewers), until_ms: untilMs };
  await db
    .insertInto('review_viewers')
    .values({ process, sandbox_id: sandboxId, ...said })
    .onConflict((conflict) => conflict.columns(['sandbox_id', 'process']).doUpdateSet(said))
    .execute();
}

/** Takes back all that `process` has said. */
export async function takeBackViewers(process: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('review_viewers').where('process', '=', process).execute();
}

/** Who looks at what, by what processes other than `process` say that still counts at `nowMs`; the rest is forgotten. */
export async function listOtherViewers(process: string, nowMs: number): Promise<Map<string, Viewer[]>> {
  const db = await database();
  const rows = await db
    .selectFrom('review_viewers')
    .selectAll()
    .where('process', '!=', process)
    .orderBy('process')
    .execute();
  if (rows.some(({ until_ms }) => Number(until_ms) < nowMs))
    await db.deleteFrom('review_viewers').where('until_ms', '<', nowMs).execute();
  const viewers = new Map<string, Viewer[]>();
  for (const row of rows) {
    if (Number(row.until_ms) < nowMs) continue;
    const said = JSON.parse(row.viewers) as Viewer[];
    viewers.set(row.sandbox_id, [...(viewers.get(row.sandbox_id) ?? []), ...said]);
  }
  return viewers;
}

function leaseOf(row: Row): WakeLease {
  return {
    id: row.id,
    sandboxId: row.sandbox_id,
    state: parseLeaseState(row.state),
    actor: row.actor,
    begunAtMs: Number(row.begun_at_ms),
    timeoutMs: Number(row.timeout_ms),
    isGuarded: row.is_guarded === 1,
    runStartedAtMs: Number(row.run_started_at_ms),
    endsAtMs: Number(row.ends_at_ms),
    ending: row.ending === null ? null : (JSON.parse(row.ending) as WakeEnding),
    problem: row.problem,
    claimedBy: row.claimed_by,
    claimedUntilMs: Number(row.claimed_until_ms),
  };
}

function rowOf(lease: WakeLease): Row {
  return {
    id: lease.id,
    sandbox_id: lease.sandboxId,
    state: lease.state,
    actor: lease.actor,
    begun_at_ms: lease.begunAtMs,
    timeout_ms: lease.timeoutMs,
    is_guarded: lease.isGuarded ? 1 : 0,
    run_started_at_ms: lease.runStartedAtMs,
    ends_at_ms: lease.endsAtMs,
    ending: lease.ending === null ? null : JSON.stringify(lease.ending),
    problem: lease.problem,
    claimed_by: lease.claimedBy,
    claimed_until_ms: lease.claimedUntilMs,
  };
}

function columnsOf(change: LeaseChange): Partial<Row> {
  const { isGuarded, ending } = change;
  return {
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(isGuarded === undefined ? {} : { is_guarded: isGuarded ? 1 : 0 }),
    ...(change.runStartedAtMs === undefined ? {} : { run_started_at_ms: change.runStartedAtMs }),
    ...(change.endsAtMs === undefined ? {} : { ends_at_ms: change.endsAtMs }),
    ...(ending === undefined ? {} : { ending: ending === null ? null : JSON.stringify(ending) }),
    ...(change.problem === undefined ? {} : { problem: change.problem }),
    ...(change.claimedBy === undefined ? {} : { claimed_by: change.claimedBy }),
    ...(change.claimedUntilMs === undefined ? {} : { claimed_until_ms: change.claimedUntilMs }),
  };
}
