import 'server-only';
import { sql } from 'kysely';
import { database, databaseTimeMs } from '../../db/client';
import type { LeaseTerms } from '../../lease/leases';
import { type Sandbox, storedSandbox } from '../../sandbox/schema';
import type { ConnectionName, SandboxKey } from '../../sandbox-key';
import type { ItemArchive, OperationItem } from '../schema';
import { CHUNK, itemClaims, OPEN, openItems } from './open-items';

/**
 * A process claims an item before it sends anything, and the item is its own until the claim ends. Only the process that
 * holds the claim records the outcome.
 */

/** An item that this process may work on. */
export type ClaimedItem = {
  sandboxKey: SandboxKey;
  /** The sandbox when the operation was planned. */
  sandbox: Sandbox;
  /** Whether an earlier claim exists, whose process may have sent the request. */
  wasClaimed: boolean;
};

type ClaimRequest = LeaseTerms & {
  max: number;
  /** Only sandboxes of this connection. */
  connection?: ConnectionName;
  /** Only items of an earlier claim. */
  isAbandoned?: boolean;
};

/** Claims up to `max` free items, in the order of the operation. */
export async function claimItems(
  operationId: string,
  { max, connection, isAbandoned = false, ...terms }: ClaimRequest,
): Promise<ClaimedItem[]> {
  const db = await database();
  const free = await openItems(db, operationId)
    .select(['sandbox_key', 'sandbox', 'claimed_by'])
    .where(itemClaims.isFree(db))
    .$if(isAbandoned, (query) => query.where('claimed_by', 'is not', null))
    // A name of a connection has no wildcards.
    .$if(connection !== undefined, (query) => query.where('sandbox_key', 'like', `${connection}/%`))
    .orderBy('position')
    .limit(max)
    .execute();
  const claimed = new Set<string>();
  for (let from = 0; from < free.length; from += CHUNK) {
    const ids = free.slice(from, from + CHUNK).map((row) => row.sandbox_key);
    const rows = await itemClaims.acquire(
      terms,
      sql`operation_id = ${operationId} and sandbox_key in (${sql.join(ids)})`,
    );
    for (const { sandbox_key } of rows) claimed.add(sandbox_key);
  }
  return free
    .filter((row) => claimed.has(row.sandbox_key))
    .map((row) => ({
      sandboxKey: row.sandbox_key,
      sandbox: storedSandbox(row.sandbox, row.sandbox_key),
      wasClaimed: row.claimed_by !== null,
    }));
}

/** The open items that `owner` has claimed, as `operation/sandbox`. */
export async function listClaimed(owner: string): Promise<Set<string>> {
  const rows = await itemClaims.listHeld(owner);
  return new Set(rows.map((row) => `${row.operation_id}/${row.sandbox_key}`));
}

/** A final outcome to record. */
export type NewOutcome = OperationItem & { operationId: string };

/**
 * Records the outcomes of items that `owner` has claimed, in one transaction. Skips items that another process has taken
 * over or finished.
 */
export async function recordOutcomes(owner: string, outcomes: readonly NewOutcome[]): Promise<void> {
  const db = await database();
  const nowMs = databaseTimeMs(db);
  await db.transaction().execute(async (transaction) => {
    for (const group of groupAlike(outcomes)) {
      const [{ operationId, outcome, message }] = group;
      const cases = group.map(({ sandboxKey, tookMs }) => sql`when ${sandboxKey} then ${tookMs}`);
      const took = sql<number | null>`cast(case sandbox_key ${sql.join(cases, sql` `)} end as integer)`;
      await transaction
        .updateTable('operation_items')
        .set({ outcome, message, took_ms: took, updated_at_ms: nowMs })
        .where('operation_id', '=', operationId)
        .where(
          'sandbox_key',
          'in',
          group.map(({ sandboxKey }) => sandboxKey),
        )
        .where('outcome', '=', OPEN)
        .where('claimed_by', '=', owner)
        .execute();
    }
  });
}

/**
 * Records the archive of an item that `owner` has claimed. Returns false if another process has taken the item over; the
 * caller must not kill its sandbox then.
 */
export async function recordArchive(
  owner: string,
  { operationId, sandboxKey, saved }: { operationId: string; sandboxKey: SandboxKey; saved: ItemArchive },
): Promise<boolean> {
  const db = await database();
  const updated = await db
    .updateTable('operation_items')
    .set({ saved: JSON.stringify(saved) })
    .where('operation_id', '=', operationId)
    .where('sandbox_key', '=', sandboxKey)
    .where('claimed_by', '=', owner)
    .where('outcome', '=', OPEN)
    .executeTakeFirst();
  return updated.numUpdatedRows > 0n;
}

/** Groups outcomes that differ only in the sandbox and its duration, up to `CHUNK` for one statement. */
function groupAlike(outcomes: readonly NewOutcome[]): [NewOutcome, ...NewOutcome[]][] {
  const lastByKey = new Map<string, [NewOutcome, ...NewOutcome[]]>();
  const groups: [NewOutcome, ...NewOutcome[]][] = [];
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.operationId, outcome.outcome, outcome.message]);
    const last = lastByKey.get(key);
    if (last && last.length < CHUNK) last.push(outcome);
    else {
      const group: [NewOutcome] = [outcome];
      lastByKey.set(key, group);
      groups.push(group);
    }
  }
  return groups;
}
