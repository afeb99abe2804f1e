import 'server-only';
import type { Kysely, Selectable } from 'kysely';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import type { Sandbox } from '../sandbox/schema';
import {
  type ActParams,
  isFinal,
  type Operation,
  type OperationItem,
  OUTCOMES,
  type Outcome,
  parseAct,
} from './schema';

type NewOperation = Operation & { filter: string; targets: Sandbox[] };

/** Rows per statement: both databases limit how many values one may carry. */
const CHUNK = 100;

/** Writes an operation with all its items before the first request is sent. Answers false when it was there already. */
export async function recordOperation({ filter, targets, ...operation }: NewOperation): Promise<boolean> {
  const db = await database();
  return db.transaction().execute(async (transaction) => {
    const inserted = await transaction
      .insertInto('operations')
      .values({
        id: operation.id,
        act: operation.act,
        params: JSON.stringify(operation.params),
        actor: operation.actor,
        filter,
        state: operation.state,
        created_at_ms: operation.createdAtMs,
        finished_at_ms: operation.finishedAtMs,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows === 0n) return false;
    await insertItems(transaction, operation, targets);
    return true;
  });
}

async function insertItems(
  db: Kysely<Database>,
  { id, createdAtMs }: Operation,
  targets: Sandbox[],
): Promise<void> {
  const rows = targets.map((sandbox, position) => ({
    operation_id: id,
    sandbox_id: sandbox.id,
    position,
    sandbox: JSON.stringify(sandbox),
    outcome: 'waiting' satisfies Outcome,
    message: null,
    updated_at_ms: createdAtMs,
  }));
  for (let from = 0; from < rows.length; from += CHUNK) {
    await db
      .insertInto('operation_items')
      .values(rows.slice(from, from + CHUNK))
      .execute();
  }
}

/** Writes what became of one item. */
export async function recordOutcome(
  operationId: string,
  { sandboxId, outcome, message }: OperationItem,
): Promise<void> {
  const db = await database();
  await db
    .updateTable('operation_items')
    .set({ outcome, message, updated_at_ms: Date.now() })
    .where('operation_id', '=', operationId)
    .where('sandbox_id', '=', sandboxId)
    .execute();
}

/** Marks an operation as worked off. */
export async function recordFinish(operationId: string, finishedAtMs: number): Promise<void> {
  const db = await database();
  await db
    .updateTable('operations')
    .set({ state: 'finished', finished_at_ms: finishedAtMs })
    .where('id', '=', operationId)
    .execute();
}

/** Operations that a stop of the process has interrupted, with the items that were not final. */
export async function findInterrupted(): Promise<{ operation: Operation; items: OperationItem[] }[]> {
  const db = await database();
  const operations = await db.selectFrom('operations').selectAll().where('state', '=', 'running').execute();
  const interrupted = [];
  for (const row of operations) {
    const operation = operationOf(row);
    if (operation === null) continue;
    const items = await db
      .selectFrom('operation_items')
      .select(['sandbox_id', 'outcome', 'message'])
      .where('operation_id', '=', row.id)
      .orderBy('position')
      .execute();
    interrupted.push({
      operation,
      items: items
        .map((item) => ({
          sandboxId: item.sandbox_id,
          outcome: parseOutcome(item.outcome),
          message: item.message,
        }))
        .filter(({ outcome }) => !isFinal(outcome)),
    });
  }
  return interrupted;
}

/** The operation with this id, or `null`. */
export async function findOperation(id: string): Promise<Operation | null> {
  const db = await database();
  const row = await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? operationOf(row) : null;
}

/** `null` for an act that this version does not know. */
function operationOf(row: Selectable<Database['operations']>): Operation | null {
  const act = parseAct(row.act);
  if (act === null) return null;
  return {
    id: row.id,
    act,
    params: JSON.parse(row.params) as ActParams,
    actor: row.actor,
    state: row.state === 'finished' ? 'finished' : 'running',
    createdAtMs: Number(row.created_at_ms),
    finishedAtMs: row.finished_at_ms === null ? null : Number(row.finished_at_ms),
  };
}

/** When we killed this sandbox and who asked for it, or `null` when we did not. */
export async function findOurKill(
  sandboxId: string,
): Promise<{ atMs: number; actor: string; sandbox: Sandbox } | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .innerJoin('operations', 'operations.id', 'operation_items.operation_id')
    .select(['operation_items.updated_at_ms', 'operation_items.sandbox', 'operations.actor'])
    .where('operation_items.sandbox_id', '=', sandboxId)
    .where('operations.act', '=', 'kill')
    .where('operation_items.outcome', '=', 'done')
    .orderBy('operation_items.updated_at_ms', 'desc')
    .executeTakeFirst();
  if (!row) return null;
  return { atMs: Number(row.updated_at_ms), actor: row.actor, sandbox: JSON.parse(row.sandbox) as Sandbox };
}

function parseOutcome(text: string): Outcome {
  return OUTCOMES.find((outcome) => outcome === text) ?? 'unknown';
}
