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
 * Writes down who did what with the inside of a sandbox, `null` standing for Sandkeeper by itself. Await it before the
 * thing is done: what cannot be recorded is not to happen.
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
      path: storable(path),
      detail: storable(detail),
    })
    .execute();
}

/** A page of the record, newest first, and where the older ones begin, if there are any. */
export type AccessPage = { entries: AccessEntry[]; older: RecordCursor | null };

/** How many entries a page holds. */
const PAGE = 50;
/** Names offered to narrow the record down to. */
const MAX_ACTORS = 200;

/** What `search` asks for, newest first. `nowMs` is where its time span ends. */
export async function listAccess(search: AccessSearch, nowMs: number, limit = PAGE): Promise<AccessPage> {
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
    // The first of the two lets the index be used.
    query = query
      .where('at_ms', '<=', before.atMs)
      .where((row) => row.or([row('at_ms', '<', before.atMs), row('id', '<', before.id)]));
  }
  // One more than shown tells whether there are older ones.
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

/** Everybody who stands in the record, by name. */
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

/** None for a kind that this version does not know. */
function entryOf(row: Selectable<Database['access_log']>): AccessEntry[] {
  const kind = parseAccessKind(row.kind);
  if (kind === null) return [];
  const { id, actor, path, detail } = row;
  return [{ id, atMs: Number(row.at_ms), actor, kind, sandboxId: row.sandbox_id, path, detail }];
}

/** Forgets what happened before `beforeMs`: what the configured retention asks for. */
export async function forgetAccessBefore(beforeMs: number): Promise<void> {
  const db = await database();
  await db.deleteFrom('access_log').where('at_ms', '<', beforeMs).execute();
}

/** Rises on one machine, so that what happens within a millisecond keeps its order. */
function newEntryId(): string {
  return `${process.hrtime.bigint().toString().padStart(20, '0')}-${randomBytes(6).toString('base64url')}`;
}

/** Postgres takes no NUL in a text. */
function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\uFFFD');
}
