import 'server-only';
import type { Expression, ExpressionBuilder, Kysely, Selectable, SqlBool } from 'kysely';
import { NOT_FOUND } from '../../access/guard';
import { seesOperation as seesOperationIn } from '../../access/seen';
import { type ConnectionShare, sortedSplit } from '../../connection-split';
import { database } from '../../db/client';
import { connectionIn, namesSandboxIn } from '../../db/sandbox-column';
import type { Database } from '../../db/schema';
import { SandkeeperError } from '../../errors';
import type { Grants } from '../../grants';
import { type RecordCursor, timeRangeOf } from '../../record-search';
import { storedSandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import { isTroubled, OPERATION_ID, type Operation, OUTCOMES, type RecordedItem, totalsOf } from '../schema';
import { canMatch, type LogSearch, type LogState, WHOLE_LOG } from './log-filter';
import { operationFor, seesOperation } from './operation-for';
import { findOperation, ITEM_COLUMNS, itemOf, operationsOf } from './store';

/** An operation in the log. `sandboxKey` is set if it has a single sandbox, else `split`, the largest share first. */
export type LogEntry = { operation: Operation; sandboxKey: SandboxKey | null; split: ConnectionShare[] };

/** A page of the log, newest first. `older` is the cursor of the next page. */
export type LogPage = { entries: LogEntry[]; older: RecordCursor | null };

const PAGE = 50;
/** Names offered as a filter. */
const MAX_ACTORS = 200;

/** Lists the operations that the person may see, newest first. `nowMs` is the end of a relative time span. */
export async function listOperations(
  search: LogSearch,
  grants: Grants,
  nowMs: number,
  limit = PAGE,
): Promise<LogPage> {
  if (!canMatch(search)) return { entries: [], older: null };
  const db = await database();
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  let query = db.selectFrom('operations').selectAll().where(seesOperationIn(grants, 'operations.id'));
  if (search.by !== null) query = query.where('actor', '=', search.by);
  if (search.act !== null) query = query.where('act', '=', search.act);
  if (search.state !== null) query = query.where(STATE_TESTS[search.state]);
  if (sinceMs !== null) query = query.where('created_at_ms', '>=', sinceMs);
  if (untilMs !== null) query = query.where('created_at_ms', '<=', untilMs);
  if (search.sandbox !== null) query = query.where('id', 'in', operationsOn(db, search.sandbox));
  const { before } = search;
  if (before !== null) {
    // The first condition lets the database use the index.
    query = query
      .where('created_at_ms', '<=', before.atMs)
      .where((row) => row.or([row('created_at_ms', '<', before.atMs), row('id', '<', before.id)]));
  }
  // One extra row tells whether there is another page.
  const rows = await query
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const operations = await operationsFor(grants, shown);
  return {
    entries: await withSandbox(db, operations),
    older: rows.length > limit && last ? { atMs: Number(last.created_at_ms), id: last.id } : null,
  };
}

type Test = (row: ExpressionBuilder<Database, 'operations'>) => Expression<SqlBool>;

const STATE_TESTS = {
  running: (row) => row('state', '=', 'running'),
  finished: (row) => row('state', '=', 'finished'),
  cancelled: (row) => row('cancelled_at_ms', 'is not', null),
  troubled: (row) =>
    row(
      'id',
      'in',
      row
        .selectFrom('operation_items')
        .select('operation_id')
        .where('outcome', 'in', OUTCOMES.filter(isTroubled))
        .whereRef('operation_id', '=', 'operations.id'),
    ),
} satisfies Record<LogState, Test>;

/** The ids of the operations on a sandbox, which is named by its key or its id. */
export function operationsOn(db: Kysely<Database>, sandbox: string) {
  return db
    .selectFrom('operation_items')
    .select('operation_id')
    .where(namesSandboxIn('sandbox_key', sandbox));
}

/** Whether the person may see an operation on the sandbox. */
export async function hasOperations(sandboxKey: SandboxKey, grants: Grants): Promise<boolean> {
  if (!canMatch({ ...WHOLE_LOG, sandbox: sandboxKey })) return false;
  const db = await database();
  const found = await operationsOn(db, sandboxKey)
    .where(seesOperationIn(grants, 'operation_items.operation_id'))
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** The names of the people who have started an operation that the person may see. */
export async function listActors(grants: Grants): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .select('actor')
    .distinct()
    .where(seesOperationIn(grants, 'operations.id'))
    .orderBy('actor')
    .limit(MAX_ACTORS)
    .execute();
  return rows.map(({ actor }) => actor);
}

/** Finds an operation by an id from a URL, as the person may see it. */
export async function findRecord(id: string, grants: Grants): Promise<Operation | null> {
  const operation = OPERATION_ID.test(id) ? await findOperation(id) : null;
  return operation !== null && seesOperation(grants, operation) ? operationFor(grants, operation) : null;
}

/** One operation with all its items. Throws `not_found`. */
export async function recordOf(
  id: string,
  grants: Grants,
): Promise<{ operation: Operation; items: RecordedItem[] }> {
  const operation = await findRecord(id, grants);
  if (operation === null) throw new SandkeeperError('not_found', NOT_FOUND);
  return { operation, items: await listRecorded(id) };
}

/** The operations that retry this one and that the person may see. */
export async function findRetries(operationId: string, grants: Grants): Promise<Operation[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .selectAll()
    .where('retry_of', '=', operationId)
    .where(seesOperationIn(grants, 'operations.id'))
    .orderBy('created_at_ms')
    .orderBy('id')
    .limit(PAGE)
    .execute();
  return operationsFor(grants, rows);
}

/** The items of an operation in plan order: all, or the first `limit`. */
export async function listRecorded(operationId: string, limit?: number): Promise<RecordedItem[]> {
  const db = await database();
  const query = db
    .selectFrom('operation_items')
    .select([...ITEM_COLUMNS, 'sandbox'])
    .where('operation_id', '=', operationId)
    .orderBy('position');
  const rows = await (limit === undefined ? query : query.limit(limit)).execute();
  return rows.map((row) => ({ ...itemOf(row), sandbox: storedSandbox(row.sandbox, row.sandbox_key) }));
}

async function operationsFor(
  grants: Grants,
  rows: readonly Selectable<Database['operations']>[],
): Promise<Operation[]> {
  return (await operationsOf(rows)).map((operation) => operationFor(grants, operation));
}

async function withSandbox(db: Kysely<Database>, operations: Operation[]): Promise<LogEntry[]> {
  const single = operations.filter(({ counts }) => totalsOf(counts).total === 1);
  const ids = single.map(({ id }) => id);
  const rows =
    ids.length === 0
      ? []
      : await db
          .selectFrom('operation_items')
          .select(['operation_id', 'sandbox_key'])
          .where('operation_id', 'in', ids)
          .execute();
  const sandboxOf = new Map(rows.map(({ operation_id, sandbox_key }) => [operation_id, sandbox_key]));
  const splits = await splitsOf(
    db,
    operations.flatMap(({ id }) => (sandboxOf.has(id) ? [] : id)),
  );
  return operations.map((operation) => ({
    operation,
    sandboxKey: sandboxOf.get(operation.id) ?? null,
    split: splits.get(operation.id) ?? [],
  }));
}

/** How many sandboxes of these operations are in each connection. */
async function splitsOf(
  db: Kysely<Database>,
  operationIds: readonly string[],
): Promise<Map<string, ConnectionShare[]>> {
  const splits = new Map<string, ConnectionShare[]>();
  if (operationIds.length === 0) return splits;
  const rows = await db
    .selectFrom('operation_items')
    .select(({ fn }) => [
      'operation_id',
      connectionIn('sandbox_key').as('name'),
      fn.countAll<number | string>().as('count'),
    ])
    .where('operation_id', 'in', [...operationIds])
    .groupBy(['operation_id', 'name'])
    .execute();
  for (const { operation_id, name, count } of rows) {
    const split = splits.get(operation_id) ?? [];
    splits.set(operation_id, sortedSplit([...split, { name, count: Number(count) }]));
  }
  return splits;
}
