import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { database } from '../db/client';
import { namesSandboxIn } from '../db/sandbox-column';
import type { Database } from '../db/schema';
import { EVERYWHERE, type Grants, mayIn } from '../grants';
import { type RecordCursor, timeRangeOf } from '../record-search';
import { requestFacts } from '../request-facts';
import { type ConnectionName, connectionOf, type SandboxKey } from '../sandbox-key';
import { type AccessSearch, canAccessMatch } from './access-filter';
import { appendEntry, type NewEntry } from './audit-chain';
import {
  type AccessEntry,
  type AccessGroup,
  type AccessKind,
  MAX_SHOWN_ENTRIES,
  parseAccessKind,
} from './audit-schema';
import { seesCommands, withoutArguments } from './redact';
import { seesAccess, seesOperation } from './seen';
import type { Who } from './sessions';

type Note = { kind: AccessKind; sandboxKey: SandboxKey } & Partial<
  Pick<AccessEntry, 'path' | 'detail' | 'request'>
>;
type Change = { kind: AccessKind; connection: ConnectionName; detail: string };

/**
 * Records an access to the inside of a sandbox. `who` is `null` if Sandkeeper acts on its own. Await it before the
 * access: an access that cannot be recorded must not happen.
 */
export async function noteAccess(
  who: Who | null,
  { kind, sandboxKey, path = null, detail = null, request = null }: Note,
): Promise<void> {
  const entry = { connection: connectionOf(sandboxKey), sandbox_key: sandboxKey, path, detail, request };
  await insert({ actor_id: who?.userId ?? null, actor: who?.actor ?? null, kind, ...entry });
}

/** Records a change of a connection. Never put a key into `detail`. Await it before the change, like an access. */
export async function noteChange(who: Who, change: Change): Promise<void> {
  const person = { actor_id: who.userId, actor: who.actor };
  await insert({ ...person, ...change, sandbox_key: null, path: null, request: null });
}

/**
 * Records a sign-in, its refusal, or the end of a session. `who` is `null` while the person is unknown. `detail` names the
 * way, never a secret.
 */
export async function noteSignIn(
  who: Who | null,
  entry: { kind: AccessKind; detail: string },
): Promise<void> {
  const person = { actor_id: who?.userId ?? null, actor: who?.actor ?? null };
  await insert({ ...person, ...entry, connection: null, sandbox_key: null, path: null, request: null }, true);
}

/** Facts of the request are recorded if it is the person's own: work of the runner may have been started by another's. */
async function insert(
  values: Pick<
    NewEntry,
    'kind' | 'connection' | 'sandbox_key' | 'path' | 'detail' | 'request' | 'actor' | 'actor_id'
  >,
  isRequest = false,
): Promise<void> {
  const facts = requestFacts();
  const isOwn =
    facts !== null && (isRequest || (values.actor_id !== null && facts.session?.userId === values.actor_id));
  await appendEntry({
    id: newEntryId(),
    at_ms: Date.now(),
    ...values,
    address: isOwn ? facts.address : null,
    user_agent: isOwn ? facts.userAgent : null,
    session_id: isOwn ? (facts.session?.id ?? null) : null,
    request_id: isOwn ? facts.id : null,
  });
}

/** Entries, newest first. `older` is the cursor of the next ones, `null` at the end. */
export type AccessPage = { entries: AccessEntry[]; older: RecordCursor | null };
/** A page of the access log, newest first. An operation that goes on below it is continued on the next page. */
export type AccessGroups = { groups: AccessGroup[]; older: RecordCursor | null };

const PAGE_SIZE = 50;
/** Rows that are read at once, and for one page. */
const CHUNK_ROWS = 500;
const MAX_ROWS_PER_PAGE = 5_000;
const MAX_ACTORS = 200;

/** The entries that match `search` and that the person may see, newest first. A relative time span ends at `nowMs`. */
export async function listAccess(
  search: AccessSearch,
  grants: Grants,
  nowMs: number,
  limit = PAGE_SIZE,
): Promise<AccessPage> {
  if (!canAccessMatch(search)) return { entries: [], older: null };
  const rows = await readRows(search, grants, nowMs, limit + 1);
  const shown = rows.slice(0, limit);
  // One extra row shows whether there are older ones.
  return {
    entries: shown.flatMap((row) => entryOf(row, grants)),
    older: rows.length > limit ? cursorOf(shown.at(-1)) : null,
  };
}

/** The access log in groups: what an operation did is one group, and any other access is one of its own. */
export async function listAccessGroups(
  search: AccessSearch,
  grants: Grants,
  nowMs: number,
  maxGroups = PAGE_SIZE,
): Promise<AccessGroups> {
  if (!canAccessMatch(search)) return { groups: [], older: null };
  const groups = new Map<string, GroupBuilder>();
  const page = (older: RecordCursor | null) => ({
    groups: [...groups.values()].map((each) => each.build()),
    older,
  });
  let before = search.before;
  for (let read = 0; read < MAX_ROWS_PER_PAGE; ) {
    const rows = await readRows({ ...search, before }, grants, nowMs, CHUNK_ROWS);
    for (const row of rows) {
      const key = row.request === null ? row.id : `operation ${row.request}`;
      const group = groups.get(key);
      if (!group && groups.size === maxGroups) return page(before);
      before = cursorOf(row);
      const [entry] = entryOf(row, grants);
      if (!entry) continue;
      if (group) group.add(entry);
      else groups.set(key, new GroupBuilder(entry));
    }
    read += rows.length;
    if (rows.length < CHUNK_ROWS) return page(null);
  }
  return page(before);
}

class GroupBuilder {
  readonly #newest: AccessEntry;
  readonly #entries: AccessEntry[] = [];
  readonly #kinds = new Map<AccessKind, number>();
  readonly #sandboxKeys = new Set<string>();
  #actor: string | null = null;
  #count = 0;

  constructor(newest: AccessEntry) {
    this.#newest = newest;
    this.add(newest);
  }

  add(entry: AccessEntry): void {
    this.#count += 1;
    this.#actor ??= entry.actor;
    if (entry.sandboxKey !== null) this.#sandboxKeys.add(entry.sandboxKey);
    this.#kinds.set(entry.kind, (this.#kinds.get(entry.kind) ?? 0) + 1);
    if (this.#entries.length < MAX_SHOWN_ENTRIES) this.#entries.push(entry);
  }

  build(): AccessGroup {
    const { id, atMs, request } = this.#newest;
    return {
      id,
      atMs,
      actor: this.#actor,
      request,
      kinds: [...this.#kinds].map(([kind, count]) => ({ kind, count })),
      sandboxCount: this.#sandboxKeys.size,
      entries: this.#entries,
      entryCount: this.#count,
    };
  }
}

type Row = Selectable<Database['access_log']> & { sees_operation: number | boolean };

async function readRows(search: AccessSearch, grants: Grants, nowMs: number, limit: number): Promise<Row[]> {
  return await rowsOf(await database(), search, grants, nowMs, limit).execute();
}

export function rowsOf(
  db: Kysely<Database>,
  search: AccessSearch,
  grants: Grants,
  nowMs: number,
  limit: number,
) {
  const { by, kind, sandbox, before } = search;
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  let query = db
    .selectFrom('access_log')
    .selectAll()
    .select(seesOperation(grants, 'access_log.request').as('sees_operation'))
    .where(seesAccess(grants));
  if (by !== null) query = query.where('actor', '=', by);
  if (kind !== null) query = query.where('kind', '=', kind);
  if (sandbox !== null) query = query.where(namesSandboxIn('sandbox_key', sandbox));
  if (sinceMs !== null) query = query.where('at_ms', '>=', sinceMs);
  if (untilMs !== null) query = query.where('at_ms', '<=', untilMs);
  if (before !== null) {
    // The first condition lets the database use the index.
    query = query
      .where('at_ms', '<=', before.atMs)
      .where((row) => row.or([row('at_ms', '<', before.atMs), row('id', '<', before.id)]));
  }
  return query.orderBy('at_ms', 'desc').orderBy('id', 'desc').limit(limit);
}

function cursorOf(row: Row | undefined): RecordCursor | null {
  return row ? { atMs: Number(row.at_ms), id: row.id } : null;
}

/** The names of all people in the part of the access log that the person may see, sorted. */
export async function listAccessActors(grants: Grants): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('access_log')
    .select('actor')
    .distinct()
    .where('actor', 'is not', null)
    .where(seesAccess(grants))
    .orderBy('actor')
    .limit(MAX_ACTORS)
    .execute();
  return rows.flatMap(({ actor }) => actor ?? []);
}

/** The entry as the person may see it. Empty if this version does not know the kind. */
function entryOf(row: Row, grants: Grants): AccessEntry[] {
  const kind = parseAccessKind(row.kind);
  if (kind === null) return [];
  const { id, actor, connection, path } = row;
  const who = { actorId: row.actor_id, actor };
  const what = { kind, connection, sandboxKey: row.sandbox_key, path, detail: detailFor(grants, kind, row) };
  const request = row.sees_operation ? row.request : null;
  // From where people work is for administrators alone.
  const facts = mayIn(grants, 'admin', EVERYWHERE)
    ? {
        address: row.address,
        userAgent: row.user_agent,
        sessionId: row.session_id,
        requestId: row.request_id,
      }
    : { address: null, userAgent: null, sessionId: null, requestId: null };
  return [{ id, atMs: Number(row.at_ms), ...who, ...what, request, ...facts }];
}

/** The details of these kinds end with a colon and a command line. */
const COMMAND_KINDS: readonly AccessKind[] = ['process-attached', 'process-signalled'];

function detailFor(
  grants: Grants,
  kind: AccessKind,
  { detail, connection }: Pick<Row, 'detail' | 'connection'>,
) {
  if (detail === null || !COMMAND_KINDS.includes(kind) || seesCommands(grants, connection ?? ''))
    return detail;
  const at = detail.indexOf(': ');
  return at < 0 ? detail : `${detail.slice(0, at)}: ${withoutArguments(detail.slice(at + 2))}`;
}

/** Increasing on one machine, so that entries of the same millisecond keep their order. */
function newEntryId(): string {
  return `${process.hrtime.bigint().toString().padStart(20, '0')}-${randomBytes(6).toString('base64url')}`;
}
