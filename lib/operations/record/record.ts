import 'server-only';
import type { Expression, ExpressionBuilder, Kysely, Selectable, SqlBool } from 'kysely';
import { database } from '../../db/client';
import { namesSandboxIn } from '../../db/sandbox-column';
import type { Database } from '../../db/schema';
import { SandkeeperError } from '../../errors';
import { type RecordCursor, timeRangeOf } from '../../record-search';
import { storedSandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import {
  isTroubled,
  noCounts,
  OPERATION_ID,
  type Operation,
  OUTCOMES,
  type RecordedItem,
  totalsOf,
} from '../schema';
import { canMatch, type LogSearch, type LogState, WHOLE_LOG } from './log-filter';
import { countItems, findOperation, ITEM_COLUMNS, itemOf, operationOf } from './store';

/** An operation in the log. `sandboxKey` is set if it has a single sandbox. */
export type LogEntry = { operation: Operation; sandboxKey: SandboxKey | null };

/** A page of the log, newest first. `older` is the cursor of the next page. */
export type LogPage = { entries: LogEntry[]; older: RecordCursor | null };

const PAGE = 50;
/** Names offered as a filter. */
const MAX_ACTORS = 200;

/** Lists operations, newest first. `nowMs` is the end of a relative time span. */
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
        .where('outcome', 'in', OUTCOMES.filter(isTroubled))
        .whereRef('operation_id', '=', 'operations.id'),
    ),
} satisfies Record<LogState, Test>;

function operationsOn(db: Kysely<Database>, sandbox: string) {
  return db
    .selectFrom('operation_items')
    .select('operation_id')
    .where(namesSandboxIn('sandbox_key', sandbox));
}

export async function hasOperations(sandboxKey: SandboxKey): Promise<boolean> {
  if (!canMatch({ ...WHOLE_LOG, sandbox: sandboxKey })) return false;
  const db = await database();
  const found = await operationsOn(db, sandboxKey).limit(1).executeTakeFirst();
  return found !== undefined;
}

/** The names of all people who have started an operation. */
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

/** Finds an operation by an id from a URL. */
export async function findRecord(id: string): Promise<Operation | null> {
  return OPERATION_ID.test(id) ? findOperation(id) : null;
}

/** One operation with all its items. Throws `not_found`. */
export async function recordOf(id: string): Promise<{ operation: Operation; items: RecordedItem[] }> {
  const operation = await findRecord(id);
  if (operation === null) throw new SandkeeperError('not_found', 'This operation does not exist.');
  return { operation, items: await listRecorded(id) };
}

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

/** Omits operations with an action that this version does not know. */
async function withCounts(rows: readonly Selectable<Database['operations']>[]): Promise<Operation[]> {
  const counts = await countItems(rows.map(({ id }) => id));
  return rows.flatMap((row) => operationOf(row, counts.get(row.id) ?? noCounts()) ?? []);
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
  return operations.map((operation) => ({ operation, sandboxKey: sandboxOf.get(operation.id) ?? null }));
}
