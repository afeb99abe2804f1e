import 'server-only';
import type { Expression, ExpressionBuilder, Kysely, Selectable, SqlBool } from 'kysely';
import { database } from '../../db/client';
import type { Database } from '../../db/schema';
import { SandkeeperError } from '../../errors';
import { type RecordCursor, timeRangeOf } from '../../record-search';
import type { Sandbox } from '../../sandbox/schema';
import {
  isRetried,
  noCounts,
  OPERATION_ID,
  type Operation,
  OUTCOMES,
  type RecordedItem,
  totalsOf,
} from '../schema';
import { canMatch, type LogSearch, type LogState, WHOLE_LOG } from './log-filter';
import { countItems, findOperation, ITEM_COLUMNS, itemOf, operationOf } from './store';

/** An operation in the log; `sandboxId` where it is about one sandbox only. */
export type LogEntry = { operation: Operation; sandboxId: string | null };

/** A page of the log, newest first, and where the older ones begin, if there are any. */
export type LogPage = { entries: LogEntry[]; older: RecordCursor | null };

/** How many operations a page of the log holds. */
const PAGE = 50;
/** Names offered to narrow the log down to. */
const MAX_ACTORS = 200;

/** The operations that `search` asks for, newest first. `nowMs` is where its time span ends. */
export async function listOperations(search: LogSearch, nowMs: number, limit = PAGE): Promise<LogPage> {
  if (!canMatch(search)) return { entries: [], older: null };
  const db = await database();
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  let query = db.selectFrom('operations').selectAll();
  if (search.by !== null) query = query.where('actor', '=', search.by);
  if (search.act !== null) query = query.where('act', '=', search.act);
  if (search.state !== null) query = query.where(STATE_TESTS[search.state]);
  if (sinceMs !== null) query = query.where('created_at_ms', '>=', sinceMs);
  if (untilMs !== null) query = query.where('created_at_ms', '<=', untilMs);
  if (search.sandbox !== null) query = query.where('id', 'in', operationsOn(db, search.sandbox));
  const { before } = search;
  if (before !== null) {
    // The first of the two lets the index be used.
    query = query
      .where('created_at_ms', '<=', before.atMs)
      .where((row) => row.or([row('created_at_ms', '<', before.atMs), row('id', '<', before.id)]));
  }
  // One more than shown tells whether there are older ones.
  const rows = await query
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const operations = await withCounts(shown);
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
        .where('outcome', 'in', OUTCOMES.filter(isRetried))
        .whereRef('operation_id', '=', 'operations.id'),
    ),
} satisfies Record<LogState, Test>;

function operationsOn(db: Kysely<Database>, sandboxId: string) {
  return db.selectFrom('operation_items').select('operation_id').where('sandbox_id', '=', sandboxId);
}

/** Whether any operation had this sandbox in it. */
export async function hasOperations(sandboxId: string): Promise<boolean> {
  if (!canMatch({ ...WHOLE_LOG, sandbox: sandboxId })) return false;
  const db = await database();
  const found = await operationsOn(db, sandboxId).limit(1).executeTakeFirst();
  return found !== undefined;
}

/** Everybody who has started an operation, by name. */
export async function listActors(): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .select('actor')
    .distinct()
    .orderBy('actor')
    .limit(MAX_ACTORS)
    .execute();
  return rows.map(({ actor }) => actor);
}

/** The operation with this id, or `null`, for whatever stands in an address. */
export async function findRecord(id: string): Promise<Operation | null> {
  return OPERATION_ID.test(id) ? findOperation(id) : null;
}

/** One operation with all its items. Throws `not_found`. */
export async function recordOf(id: string): Promise<{ operation: Operation; items: RecordedItem[] }> {
  const operation = await findRecord(id);
  if (operation === null) throw new SandkeeperError('not_found', 'There is no operation with this id.');
  return { operation, items: await listRecorded(id) };
}

/** The operations that took up again what failed in this one, oldest first. */
export async function findRetries(operationId: string): Promise<Operation[]> {
  const db = await database();
  const rows = await db
    .selectFrom('operations')
    .selectAll()
    .where('retry_of', '=', operationId)
    .orderBy('created_at_ms')
    .orderBy('id')
    .limit(PAGE)
    .execute();
  return withCounts(rows);
}

/** What became of each sandbox of an operation, in the order of the plan: all of them, or the first `limit`. */
export async function listRecorded(operationId: string, limit?: number): Promise<RecordedItem[]> {
  const db = await database();
  const query = db
    .selectFrom('operation_items')
    .select([...ITEM_COLUMNS, 'sandbox'])
    .where('operation_id', '=', operationId)
    .orderBy('position');
  const rows = await (limit === undefined ? query : query.limit(limit)).execute();
  // Written by us, as it stood in the plan.
  return rows.map((row) => ({ ...itemOf(row), sandbox: JSON.parse(row.sandbox) as Sandbox }));
}

/** Leaves out operations whose act this version does not know. */
async function withCounts(rows: readonly Selectable<Database['operations']>[]): Promise<Operation[]> {
  const counts = await countItems(rows.map(({ id }) => id));
  return rows.flatMap((row) => operationOf(row, counts.get(row.id) ?? noCounts()) ?? []);
}

/** Names the sandbox of those that are about one only, which says more than "1 sandbox". */
async function withSandbox(db: Kysely<Database>, operations: Operation[]): Promise<LogEntry[]> {
  const single = operations.filter(({ counts }) => totalsOf(counts).total === 1);
  const ids = single.map(({ id }) => id);
  const rows =
    ids.length === 0
      ? []
      : await db
          .selectFrom('operation_items')
          .select(['operation_id', 'sandbox_id'])
          .where('operation_id', 'in', ids)
          .execute();
  const sandboxOf = new Map(rows.map(({ operation_id, sandbox_id }) => [operation_id, sandbox_id]));
  return operations.map((operation) => ({ operation, sandboxId: sandboxOf.get(operation.id) ?? null }));
}
