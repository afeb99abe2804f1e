import 'server-only';
import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { config } from '../config';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import type { Grants } from '../grants';
import { requestFacts } from '../request-facts';
import { announceChange } from './access-changes';
import { findProviderSession, isConfirmed } from './oidc/provider-sessions';
import { seal, tokenFingerprint, unseal } from './secrets';
import { cookieNameAt } from './session-cookie';
import { grantsOf } from './users';

/** `actor` is the name of the person, as in records. People are compared by `userId`. */
export type Session = { id: string; userId: string; actor: string; grants: Grants; expiresAtMs: number };

/** Who does something, in records: the id to compare, and the name to show. */
export type Who = Pick<Session, 'userId' | 'actor'>;

/** How a person signed in: with a link, with the fixed token, or at a provider. */
export type SignInMethod = 'link' | 'token' | 'oidc';

/** The client of a session, as its requests say. Both are `null` if they are unknown. */
export type Client = { address: string | null; userAgent: string | null };

const PURPOSE = 'session';
const MAX_USER_AGENT_CHARS = 400;
/** How exactly the time of the last use is kept. */
const SEEN_EVERY_MS = 60_000;
/** For as long, sessions that are over are told from those that never were. */
const REMEMBERED_MS = 7 * 24 * 60 * 60_000;

/** The client of the current request. */
function clientOfRequest(): Client {
  const facts = requestFacts();
  return { address: facts?.address ?? null, userAgent: facts?.userAgent ?? null };
}

export function sessionCookieName(): string {
  return cookieNameAt(config());
}

/**
 * The attributes of the session cookie. `maxAge` is in seconds. `lax`, because people come from other sites: from a link in a
 * chat, and from the provider that signed them in. Requests that change something need an origin of ours besides.
 */
export function sessionCookieOptions() {
  return {
    httpOnly: true,
    sameSite: 'lax',
    secure: config().publicOrigin?.startsWith('https:') ?? false,
    path: '/',
    maxAge: config().sessions.maxMs / 1000,
  } as const;
}

/** Opens a session of a person and returns its cookie value. */
export async function openSession({
  userId,
  method,
  client = clientOfRequest(),
}: {
  userId: string;
  method: SignInMethod;
  client?: Client;
}): Promise<string> {
  const db = await database();
  const id = randomBytes(24).toString('base64url');
  const nowMs = Date.now();
  await db
    .deleteFrom('sessions')
    .where('expires_at_ms', '<', nowMs - REMEMBERED_MS)
    .execute();
  await db
    .insertInto('sessions')
    .values({
      id,
      user_id: userId,
      method,
      token_fingerprint: method === 'token' ? tokenFingerprint() : null,
      created_at_ms: nowMs,
      expires_at_ms: nowMs + config().sessions.maxMs,
      revoked_at_ms: null,
      ended_by: null,
      ...seenBy(client, nowMs),
    })
    .execute();
  return seal(PURPOSE, id);
}

function seenBy({ address, userAgent }: Client, nowMs: number) {
  return {
    last_seen_at_ms: nowMs,
    address,
    user_agent: userAgent?.slice(0, MAX_USER_AGENT_CHARS) ?? null,
  };
}

/**
 * The session of a cookie, or `null` if it is forged, expired, unused for too long or ended, if the person is disabled, or
 * if the fixed token that opened it has changed. Does not count as use.
 */
export async function findSession(cookie: string | undefined): Promise<Session | null> {
  const id = sessionIdIn(cookie);
  return id === null ? null : findSessionById(id);
}

/** The session of a cookie, as `findSession`. The request counts as use, which keeps the session from running out. */
export async function findSessionInUse(
  cookie: string | undefined,
  client = clientOfRequest(),
): Promise<Session | null> {
  const id = sessionIdIn(cookie);
  const row = id === null ? undefined : await readValid(id);
  if (row === undefined) return null;
  const nowMs = Date.now();
  if (nowMs - Number(row.last_seen_at_ms) >= SEEN_EVERY_MS) await noteUse(row, client, nowMs);
  return sessionOf(row);
}

/** Counts the activity on an open socket as use. Call it at most once a minute. */
export async function noteSocketUse(id: string): Promise<void> {
  const row = await readValid(id);
  if (row) await noteUse(row, { address: row.address, userAgent: row.user_agent }, Date.now());
}

async function noteUse({ id, user_id }: ValidRow, client: Client, nowMs: number): Promise<void> {
  const db = await database();
  await db.updateTable('sessions').set(seenBy(client, nowMs)).where('id', '=', id).execute();
  await db.updateTable('users').set({ last_seen_at_ms: nowMs }).where('id', '=', user_id).execute();
}

/** The current session with this id, or `null`. For work that continues after the request. */
export async function findSessionById(id: string): Promise<Session | null> {
  const row = await readValid(id);
  return row === undefined ? null : sessionOf(row);
}

/** The sessions that are valid now. */
export function validSessions(db: Kysely<Database>) {
  const nowMs = Date.now();
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .where('sessions.last_seen_at_ms', '>', nowMs - config().sessions.idleMs)
    .where('users.is_disabled', '=', 0)
    .where((row) =>
      row.or([row('token_fingerprint', 'is', null), row('token_fingerprint', '=', tokenFingerprint())]),
    );
}

async function readValid(id: string) {
  const row = await validSessions(await database())
    .select(['sessions.id', 'user_id', 'method', 'users.name', 'expires_at_ms', 'sessions.last_seen_at_ms'])
    .select(['address', 'user_agent'])
    .where('sessions.id', '=', id)
    .executeTakeFirst();
  return row?.method === 'oidc' && !(await isConfirmedByProvider(row.id)) ? undefined : row;
}
type ValidRow = NonNullable<Awaited<ReturnType<typeof readValid>>>;

async function sessionOf(row: ValidRow): Promise<Session> {
  return {
    id: row.id,
    userId: row.user_id,
    actor: row.name,
    grants: await grantsOf(row.user_id),
    expiresAtMs: Math.min(Number(row.expires_at_ms), Number(row.last_seen_at_ms) + config().sessions.idleMs),
  };
}

async function isConfirmedByProvider(id: string): Promise<boolean> {
  const session = await findProviderSession(id);
  return session !== null && isConfirmed(session);
}

/** The id in a session cookie, or `null` if it is forged. The session may have ended. */
export function sessionIdIn(cookie: string | undefined): string | null {
  return cookie === undefined ? null : unseal(PURPOSE, cookie);
}

/** Signs out: the session is over, and what its person has confirmed goes on. To end what it started as well, see `endSessions`. */
export async function revokeSession(id: string): Promise<void> {
  const db = await database();
  await db
    .updateTable('sessions')
    .set({ revoked_at_ms: Date.now() })
    .where('id', '=', id)
    .where('revoked_at_ms', 'is', null)
    .execute();
  await announceChange();
}

/**
 * Ends sessions. Operations that were started in them send nothing more, and say that `by` ended the session. Returns how
 * many were open.
 */
export async function endSessions(ids: readonly string[], by: string): Promise<number> {
  if (ids.length === 0) return 0;
  const db = await database();
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ revoked_at_ms: Date.now(), ended_by: by })
    .where('id', 'in', [...ids])
    .where('revoked_at_ms', 'is', null)
    .executeTakeFirst();
  await announceChange();
  return Number(numUpdatedRows);
}
