import 'server-only';
import { sql } from 'kysely';
import { database } from '../../db/client';
import type { Sandbox } from '../../sandbox/schema';
import type { ItemArchive, OperationItem } from '../schema';
import { CHUNK, OPEN, openItems } from './open-items';

/**
 * Who works on which items. An item is claimed before anything is sent and belongs to its process until the claim ends;
 * what became of it is written by whoever holds it, and by nobody else.
 */

/** An item that this process may work on. */
export type ClaimedItem = {
  sandboxId: string;
  /** As it was shown. */
  sandbox: Sandbox;
  /** Another process, or an earlier one, worked on it and may have sent the request. */
  wasClaimed: boolean;
};

/** Claims up to `most` items that nobody works on for `owner`, until `untilMs` unless renewed. First come, first served. */
export async function claimItems(
  operationId: string,
  { owner, untilMs, most }: { owner: string; untilMs: number; most: number },
): Promise<ClaimedItem[]> {
  const db = await database();
  const nowMs = Date.now();
  const free = await openItems(db, operationId)
    .select(['sandbox_id', 'sandbox', 'claimed_by'])
    .where('claimed_until_ms', '<', nowMs)
    .orderBy('position')
    .limit(most)
    .execute();
  const won = new Set<string>();
  for (let from = 0; from < free.length; from += CHUNK) {
    const ids = free.slice(from, from + CHUNK).map((row) => row.sandbox_id);
    // The conditions again: another process may have been quicker.
    const rows = await db
      .updateTable('operation_items')
      .set({ claimed_by: owner, claimed_until_ms: untilMs })
      .where('operation_id', '=', operationId)
      .where('sandbox_id', 'in', ids)
      .where('outcome', '=', OPEN)
      .where('claimed_until_ms', '<', nowMs)
      .returning('sandbox_id')
      .execute();
    for (const { sandbox_id } of rows) won.add(sandbox_id);
  }
  return free
    .filter((row) => won.has(row.sandbox_id))
    .map((row) => ({
      sandboxId: row.sandbox_id,
      sandbox: JSON.parse(row.sandbox) as Sandbox,
      wasClaimed: row.claimed_by !== null,
    }));
}

/** Holds on to everything that `owner` has claimed and not finished. */
export async function renewClaims(owner: string, untilMs: number): Promise<void> {
  const db = await database();
  await db
    .updateTable('operation_items')
    .set({ claimed_until_ms: untilMs })
    .where('claimed_by', '=', owner)
    .where('outcome', '=', OPEN)
    .execute();
}

/** What `owner` still holds, as `operation/sandbox`. */
export async function listClaimed(owner: string): Promise<Set<string>> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_items')
    .select(['operation_id', 'sandbox_id'])
    .where('claimed_by', '=', owner)
    .where('outcome', '=', OPEN)
    .execute();
  return new Set(rows.map((row) => `${row.operation_id}/${row.sandbox_id}`));
}

/** Lets others take what `owner` has claimed and not finished. That it was claimed stays known. */
export async function releaseClaims(owner: string): Promise<void> {
  await renewClaims(owner, 0);
}

/** Who holds open items of operations under way. */
export async function listClaimants(): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_items')
    .innerJoin('operations', 'operations.id', 'operation_items.operation_id')
    .select('operation_items.claimed_by')
    .distinct()
    .where('operations.state', '=', 'running')
    .where('operation_items.outcome', '=', OPEN)
    .where('operation_items.claimed_until_ms', '>', 0)
    .execute();
  return rows.flatMap(({ claimed_by }) => claimed_by ?? []);
}

/** What became of an item, for the record. */
export type NewOutcome = OperationItem & { operationId: string };

/**
 * Writes what became of items that `owner` has claimed, all in one transaction. What another process has taken over or
 * finished meanwhile is left as it is.
 */
export async function recordOutcomes(owner: string, outcomes: readonly NewOutcome[]): Promise<void> {
  const db = await database();
  const nowMs = Date.now();
  await db.transaction().execute(async (transaction) => {
    for (const alike of alikeOf(outcomes)) {
      const [{ operationId, outcome, message }] = alike;
      const each = alike.map(({ sandboxId, tookMs }) => sql`when ${sandboxId} then ${tookMs}`);
      const took = sql<number | null>`cast(case sandbox_id ${sql.join(each, sql` `)} end as integer)`;
      await transaction
        .updateTable('operation_items')
        .set({ outcome, message, took_ms: took, updated_at_ms: nowMs })
        .where('operation_id', '=', operationId)
        .where(
          'sandbox_id',
          'in',
          alike.map(({ sandboxId }) => sandboxId),
        )
        .where('outcome', '=', OPEN)
        .where('claimed_by', '=', owner)
        .execute();
    }
  });
}

/**
 * Writes where the files of an item are that `owner` has claimed. Answers false where somebody else has it now, so that
 * nothing may be done on the strength of it.
 */
export async function recordArchive(
  owner: string,
  { operationId, sandboxId, saved }: { operationId: string; sandboxId: string; saved: ItemArchive },
): Promise<boolean> {
  const db = await database();
  const updated = await db
    .updateTable('operation_items')
    .set({ saved: JSON.stringify(saved) })
    .where('operation_id', '=', operationId)
    .where('sandbox_id', '=', sandboxId)
    .where('claimed_by', '=', owner)
    .where('outcome', '=', OPEN)
    .executeTakeFirst();
  return updated.numUpdatedRows > 0n;
}

/** Those that differ in nothing but the sandbox and the time that it took, as many as one statement takes. */
function alikeOf(outcomes: readonly NewOutcome[]): [NewOutcome, ...NewOutcome[]][] {
  const open = new Map<string, [NewOutcome, ...NewOutcome[]]>();
  const all: [NewOutcome, ...NewOutcome[]][] = [];
  for (const next of outcomes) {
    const key = JSON.stringify([next.operationId, next.outcome, next.message]);
    const alike = open.get(key);
    if (alike && alike.length < CHUNK) alike.push(next);
    else {
      const first: [NewOutcome] = [next];
      open.set(key, first);
      all.push(first);
    }
  }
  return all;
}
