import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import { type RecordCursor, timeRangeOf } from '../record-search';
import { type AccessSearch, canAccessMatch } from './access-filter';
import { type AccessEntry, parseAccessKind } from './audit-schema';
import type { Session } from './sessions';

type Note = Pick<AccessEntry, 'kind' | 'sandboxId'> & Partial<Pick<AccessEntry, 'path' | 'detail'>>;

/**
 * Records an access to the inside of a sandbox. `who` is `null` if Sandkeeper acts on its own. Await it before the
 * access: an access that cannot be recorded must not happen.
 */
export async function noteAccess(
  who: Pick<Session, 'actor'> | null,
  { kind, sandboxId, path = null, detail = null }: Note,
): Promise<void> {
  const db = await database();
  await db
    .insertInto('access_log')
    .values({
      id: newEntryId(),
      at_ms: Date.now(),
      actor: who?.actor ?? null,
      kind,
      sandbox_id: sandboxId,
      path,
      detail,
    })
    .execute();
}

/** A page of the access log, newest first. `older` is the cursor of the next page, `null` on the last one. */
export type AccessPage = { entries: AccessEntry[]; older: RecordCursor | null };

const PAGE_SIZE = 50;
const MAX_ACTORS = 200;

/** The entries that match `search`, newest first. A relative time span ends at `nowMs`. */
export async function listAccess(
  search: AccessSearch,
  nowMs: number,
  limit = PAGE_SIZE,
): Promise<AccessPage> {
  if (!canAccessMatch(search)) return { entries: [], older: null };
  const db = await database();
  const { by, kind, sandbox, before } = search;
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  let query = db.selectFrom('access_log').selectAll();
  if (by !== null) query = query.where('actor', '=', by);
  if (kind !== null) query = query.where('kind', '=', kind);
  if (sandbox !== null) query = query.where('sandbox_id', '=', sandbox);
  if (sinceMs !== null) query = query.where('at_ms', '>=', sinceMs);
  if (untilMs !== null) query = query.where('at_ms', '<=', untilMs);
  if (before !== null) {
    // The first condition lets the database use the index.
    query = query
      .where('at_ms', '<=', before.atMs)
      .where((row) => row.or([row('at_ms', '<', before.atMs), row('id', '<', before.id)]));
  }
  // One extra row shows whether an older page exists.
  const rows = await query
    .orderBy('at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    entries: shown.flatMap(entryOf),
    older: rows.length > limit && last ? { atMs: Number(last.at_ms), id: last.id } : null,
  };
}

/** The names of all people in the access log, sorted. */
export async function listAccessActors(): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('access_log')
    .select('actor')
    .distinct()
    .where('actor', 'is not', null)
    .orderBy('actor')
    .limit(MAX_ACTORS)
    .execute();
  return rows.flatMap(({ actor }) => actor ?? []);
}

/** Empty if this version does not know the kind. */
function entryOf(row: Selectable<Database['access_log']>): AccessEntry[] {
  const kind = parseAccessKind(row.kind);
  if (kind === null) return [];
  const { id, actor, path, detail } = row;
  return [{ id, atMs: Number(row.at_ms), actor, kind, sandboxId: row.sandbox_id, path, detail }];
}

/** Deletes entries older than the retention period. */
export async function deleteAccessBefore(beforeMs: number): Promise<void> {
  const db = await database();
  await db.deleteFrom('access_log').where('at_ms', '<', beforeMs).execute();
}

/** Increasing on one machine, so that entries of the same millisecond keep their order. */
function newEntryId(): string {
  return `${process.hrtime.bigint().toString().padStart(20, '0')}-${randomBytes(6).toString('base64url')}`;
}
