import 'server-only';
import type { Selectable, Transaction } from 'kysely';
import { database, databaseTimeMs } from '../../db/client';
import type { Database } from '../../db/schema';
import { type Sandbox, storedSandbox } from '../../sandbox/schema';
import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';
import {
  type ActParams,
  type Counts,
  noCounts,
  type OperationItem,
  type Outcome,
  parseAct,
  parseOutcome,
  type StoredOperation,
} from '../schema';
import { parseItemArchive } from './archives';
import { CHUNK, OPEN, openItems } from './open-items';

type NewOperation = Omit<StoredOperation, 'counts' | 'connections' | 'retriedConnections'> & {
  targets: Sandbox[];
  /** The session in which it is started. */
  sessionId?: string;
};

/** Records an operation with all its items before the first request. Returns false if it already exists. */
export async function recordOperation({ targets, sessionId, ...operation }: NewOperation): Promise<boolean> {
  const db = await database();
  return db.transaction().execute(async (transaction) => {
    const inserted = await transaction
      .insertInto('operations')
      .values({
        id: operation.id,
        act: operation.act,
        params: JSON.stringify(operation.params),
        actor_id: operation.actorId,
        actor: operation.actor,
        reason: operation.reason,
        filter: operation.filter,
        state: operation.state,
        created_at_ms: operation.createdAtMs,
        starts_at_ms: operation.startsAtMs,
        finished_at_ms: operation.finishedAtMs,
        cancelled_at_ms: operation.cancelledAtMs,
        cancelled_by: operation.cancelledBy,
        cancel_reason: null,
        session_id: sessionId ?? null,
        retry_of: operation.retryOf,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows === 0n) return false;
    await insertItems(transaction, operation, targets);
    return true;
  });
}

async function insertItems(
  db: Transaction<Database>,
  { id, createdAtMs }: Pick<StoredOperation, 'id' | 'createdAtMs'>,
  targets: Sandbox[],
): Promise<void> {
  const connections = new Set(targets.map(({ key }) => connectionOf(key)));
  for (const connection of connections)
    await db.insertInto('operation_connections').values({ operation_id: id, connection }).execute();
  const rows = targets.map((sandbox, position) => ({
    operation_id: id,
    sandbox_key: sandbox.key,
    position,
    sandbox: JSON.stringify(sandbox),
    outcome: OPEN,
    message: null,
    updated_at_ms: createdAtMs,
    took_ms: null,
    claimed_by: null,
    claimed_until_ms: 0,
    saved: null,
  }));
  for (let from = 0; from < rows.length; from += CHUNK) {
    await db
      .insertInto('operation_items')
      .values(rows.slice(from, from + CHUNK))
      .execute();
  }
}

/** Marks an operation as finished if no item is open. Returns whether it is finished. */
export async function finishIfDone(operationId: string, nowMs: number): Promise<boolean> {
  const db = await database();
  const open = await openItems(db, operationId).select('sandbox_key').limit(1).executeTakeFirst();
  if (open) return false;
  await db
    .updateTable('operations')
    .set({ state: 'finished', finished_at_ms: nowMs })
    .where('id', '=', operationId)
    .where('state', '=', 'running')
    .execute();
  return true;
}

/**
 * Cancels a running operation. Unclaimed items become `cancelled` at once; a claimed item is cancelled by its process
 * unless its request was sent. `reason`: why Sandkeeper does it. Returns false if the operation is not running or already cancelled.
 */
export async function recordCancel(
  operationId: string,
  by: string,
  nowMs: number,
  reason: string | null = null,
): Promise<boolean> {
  const db = await database();
  return db.transaction().execute(async (transaction) => {
    const cancelled = await transaction
      .updateTable('operations')
      .set({ cancelled_at_ms: nowMs, cancelled_by: by, cancel_reason: reason })
      .where('id', '=', operationId)
      .where('state', '=', 'running')
      .where('cancelled_at_ms', 'is', null)
      .executeTakeFirst();
    if (cancelled.numUpdatedRows === 0n) return false;
    await transaction
      .updateTable('operation_items')
      .set({ outcome: 'cancelled' satisfies Outcome, updated_at_ms: databaseTimeMs(db) })
      .where('operation_id', '=', operationId)
      .where('outcome', '=', OPEN)
      .where('claimed_by', 'is', null)
      .execute();
    return true;
  });
}

export async function recordClarified(operationId: string, items: readonly OperationItem[]): Promise<void> {
  const db = await database();
  await db.transaction().execute(async (transaction) => {
    for (const { sandboxKey, outcome, message } of items) {
      await transaction
        .updateTable('operation_items')
        .set({ outcome, message, updated_at_ms: databaseTimeMs(db) })
        .where('operation_id', '=', operationId)
        .where('sandbox_key', '=', sandboxKey)
        .where('outcome', '=', 'unknown' satisfies Outcome)
        .execute();
    }
  });
}

/** The session in which an operation was started. `null`: unknown. */
export async function sessionOfOperation(operationId: string): Promise<string | null> {
  const db = await database();
  const row = await db
    .selectFrom('operations')
    .select('session_id')
    .where('id', '=', operationId)
    .executeTakeFirst();
  return row?.session_id ?? null;
}

/** The ids of the running operations, oldest first. */
export async function listRunning(): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .select('id')
    .where('state', '=', 'running')
    .orderBy('created_at_ms')
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Asks every process to send at once what the service of a connection asked to hold back. Returns when, by the clock of the
 * database.
 */
export async function recordTryNow(connection: ConnectionName): Promise<number> {
  const db = await database();
  const row = await db
    .insertInto('connection_tries')
    .values({ connection, tried_at_ms: databaseTimeMs(db) })
    .onConflict((conflict) => conflict.column('connection').doUpdateSet({ tried_at_ms: databaseTimeMs(db) }))
    .returning('tried_at_ms')
    .executeTakeFirstOrThrow();
  return Number(row.tried_at_ms);
}

/** When people last asked to send at once, by connection, by the clock of the database. */
export async function listTries(): Promise<Map<ConnectionName, number>> {
  const db = await database();
  const rows = await db.selectFrom('connection_tries').selectAll().execute();
  return new Map(rows.map(({ connection, tried_at_ms }) => [connection, Number(tried_at_ms)]));
}

/** `null` if it does not exist or has an action that this version does not know. */
export async function findOperation(id: string): Promise<StoredOperation | null> {
  const db = await database();
  const row = await db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? ((await operationsOf([row]))[0] ?? null) : null;
}

/** Omits operations with an action that this version does not know. */
export async function operationsOf(
  rows: readonly Selectable<Database['operations']>[],
): Promise<StoredOperation[]> {
  const ids = rows.map(({ id }) => id);
  const [counts, connections] = await Promise.all([
    countItems(ids),
    readConnections([...ids, ...rows.flatMap(({ retry_of }) => retry_of ?? [])]),
  ]);
  return rows.flatMap(
    (row) =>
      operationOf(row, {
        counts: counts.get(row.id) ?? noCounts(),
        connections: connections.get(row.id) ?? [],
        retriedConnections: connections.get(row.retry_of ?? '') ?? [],
      }) ?? [],
  );
}

export async function countItems(operationIds: readonly string[]): Promise<Map<string, Counts>> {
  const counts = new Map(operationIds.map((id) => [id, noCounts()]));
  if (operationIds.length === 0) return counts;
  const db = await database();
  const rows = await db
    .selectFrom('operation_items')
    .select(({ fn }) => ['operation_id', 'outcome', fn.countAll<number | string>().as('count')])
    .where('operation_id', 'in', [...operationIds])
    .groupBy(['operation_id', 'outcome'])
    .execute();
  for (const { operation_id, outcome, count } of rows) {
    const known = counts.get(operation_id);
    if (known) known[parseOutcome(outcome)] += Number(count);
  }
  return counts;
}

/** Items of an operation in plan order that changed after `sinceMs`. */
export async function listItems(
  operationId: string,
  sinceMs = Number.NEGATIVE_INFINITY,
): Promise<OperationItem[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operation_items')
    .select(ITEM_COLUMNS)
    .where('operation_id', '=', operationId)
    .$if(Number.isFinite(sinceMs), (query) => query.where('updated_at_ms', '>', sinceMs))
    .orderBy('position')
    .execute();
  return rows.map(itemOf);
}

export const ITEM_COLUMNS = ['sandbox_key', 'outcome', 'message', 'took_ms', 'saved'] as const;

export async function findItem(id: {
  operationId: string;
  sandboxKey: SandboxKey;
}): Promise<OperationItem | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .select(ITEM_COLUMNS)
    .where('operation_id', '=', id.operationId)
    .where('sandbox_key', '=', id.sandboxKey)
    .executeTakeFirst();
  return row ? itemOf(row) : null;
}

export function itemOf(
  row: Pick<Selectable<Database['operation_items']>, (typeof ITEM_COLUMNS)[number]>,
): OperationItem {
  const saved = parseItemArchive(row.saved);
  return {
    sandboxKey: row.sandbox_key,
    outcome: parseOutcome(row.outcome),
    message: row.message,
    tookMs: row.took_ms === null ? null : Number(row.took_ms),
    ...(saved === null ? {} : { saved }),
  };
}

/** `null` if this version does not know the action. */
function operationOf(
  row: Selectable<Database['operations']>,
  beside: Pick<StoredOperation, 'counts' | 'connections' | 'retriedConnections'>,
): StoredOperation | null {
  const act = parseAct(row.act);
  if (act === null) return null;
  return {
    id: row.id,
    act,
    params: JSON.parse(row.params) as ActParams,
    actorId: row.actor_id,
    actor: row.actor,
    reason: row.reason,
    filter: row.filter,
    state: row.state === 'finished' ? 'finished' : 'running',
    createdAtMs: Number(row.created_at_ms),
    startsAtMs: Number(row.starts_at_ms),
    finishedAtMs: numberOrNull(row.finished_at_ms),
    cancelledAtMs: numberOrNull(row.cancelled_at_ms),
    cancelledBy: row.cancelled_by,
    ...(row.cancel_reason === null ? {} : { cancelReason: row.cancel_reason }),
    retryOf: row.retry_of,
    ...beside,
  };
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}

/** The operation that killed this sandbox, or `null`. */
export async function findOurKill(
  sandboxKey: SandboxKey,
): Promise<{ atMs: number; actor: string; operationId: string; sandbox: Sandbox } | null> {
  const db = await database();
  const row = await db
    .selectFrom('operation_items')
    .innerJoin('operations', 'operations.id', 'operation_items.operation_id')
    .select([
      'operation_items.updated_at_ms',
      'operation_items.sandbox',
      'operation_items.sandbox_key',
      'operation_items.operation_id',
      'operations.actor',
    ])
    .where('operation_items.sandbox_key', '=', sandboxKey)
    .where('operations.act', '=', 'kill')
    .where('operation_items.outcome', '=', 'done')
    .orderBy('operation_items.updated_at_ms', 'desc')
    .executeTakeFirst();
  if (!row) return null;
  return {
    atMs: Number(row.updated_at_ms),
    actor: row.actor,
    operationId: row.operation_id,
    sandbox: storedSandbox(row.sandbox, row.sandbox_key),
  };
}

/** Deletes operations that finished before `beforeMs`, with their items, as the configured retention requires. */
export async function forgetOperationsBefore(beforeMs: number): Promise<void> {
  const db = await database();
  const old = db
    .selectFrom('operations')
    .select('id')
    .where('state', '=', 'finished')
    .where('finished_at_ms', '<', beforeMs);
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('operation_commands').where('operation_id', 'in', old).execute();
    await transaction.deleteFrom('operation_items').where('operation_id', 'in', old).execute();
    await transaction.deleteFrom('operation_connections').where('operation_id', 'in', old).execute();
    await transaction.deleteFrom('operations').where('id', 'in', old).execute();
  });
}

/** The connections of an operation. Empty for an unknown one. */
export async function connectionsOf(operationId: string): Promise<ConnectionName[]> {
  return (await readConnections([operationId])).get(operationId) ?? [];
}

async function readConnections(operationIds: readonly string[]): Promise<Map<string, ConnectionName[]>> {
  const found = new Map<string, ConnectionName[]>();
  if (operationIds.length === 0) return found;
  const db = await database();
  const rows = await db
    .selectFrom('operation_connections')
    .selectAll()
    .where('operation_id', 'in', [...operationIds])
    .orderBy('connection')
    .execute();
  for (const { operation_id, connection } of rows)
    found.set(operation_id, [...(found.get(operation_id) ?? []), connection]);
  return found;
}

/** An empty name, on which only roles for every connection count. */
const NOWHERE = '';

/**
 * The connections on which a request that names an operation needs a role: all of the operation's. An unknown operation
 * looks the same as a hidden one.
 */
export async function scopeOf(operationId: string): Promise<ConnectionName[]> {
  const connections = await connectionsOf(operationId);
  return connections.length === 0 ? [NOWHERE] : connections;
}

/** The same for the parameters of a route. */
export async function inOperation(params: Promise<{ id: string }>): Promise<ConnectionName[]> {
  return scopeOf((await params).id);
}
