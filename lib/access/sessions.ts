import 'server-only';
import { randomBytes } from 'node:crypto';
import { config } from '../config';
import { database } from '../db/client';
import { singleton } from '../singleton';
import type { Grants } from './grants';
import { findProviderSession, isConfirmed } from './oidc/provider-sessions';
import { seal, tokenFingerprint, unseal } from './secrets';
import { grantsOf } from './users';

/** `actor` is the name of the person, as in records. People are compared by `userId`. */
export type Session = { id: string; userId: string; actor: string; grants: Grants; expiresAtMs: number };

/** Who does something, in records: the id to compare, and the name to show. */
export type Who = Pick<Session, 'userId' | 'actor'>;

/** How a person signed in. */
export type SignInMethod = 'link' | 'token' | 'oidc';

const LIFETIME_MS = 12 * 60 * 60 * 1000;
const PURPOSE = 'session';

/** Contains the port: cookies are shared between ports, and two servers on one host need two names. */
export function sessionCookieName(): string {
  return `sandkeeper_session_${config().port}`;
}

/**
 * The attributes of the session cookie. `maxAge` is in seconds. `lax`, because people come from other sites: from a link in a
 * chat, and from the provider that signed them in.
 */
export function sessionCookieOptions() {
  return {
    httpOnly: true,
    sameSite: 'lax',
    secure: config().publicOrigin?.startsWith('https:') ?? false,
    path: '/',
    maxAge: LIFETIME_MS / 1000,
  } as const;
}

/** Opens a session of a person and returns its cookie value. */
export async function openSession({
  userId,
  method,
}: {
  userId: string;
  method: SignInMethod;
}): Promise<string> {
  const db = await database();
  const id = randomBytes(24).toString('base64url');
  const nowMs = Date.now();
  await db
    .deleteFrom('sessions')
    .where('expires_at_ms', '<', nowMs - LIFETIME_MS)
    .execute();
  await db
    .insertInto('sessions')
    .values({
      id,
      user_id: userId,
      method,
      token_fingerprint: method === 'token' ? tokenFingerprint() : null,
      created_at_ms: nowMs,
      expires_at_ms: nowMs + LIFETIME_MS,
      revoked_at_ms: null,
    })
    .execute();
  return seal(PURPOSE, id);
}

/**
 * The session of a cookie, or `null` if it is forged, expired or revoked, if the person is disabled, or if the fixed
 * token that opened it has changed.
 */
export async function findSession(cookie: string | undefined): Promise<Session | null> {
  const id = sessionIdIn(cookie);
  return id === null ? null : findSessionById(id);
}

/** The current session with this id, or `null`. For work that continues after the request. */
export async function findSessionById(id: string): Promise<Session | null> {
  const db = await database();
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'user_id', 'method', 'users.name', 'expires_at_ms'])
    .where('sessions.id', '=', id)
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', Date.now())
    .where('users.is_disabled', '=', 0)
    .where((row) =>
      row.or([row('token_fingerprint', 'is', null), row('token_fingerprint', '=', tokenFingerprint())]),
    )
    .executeTakeFirst();
  if (!row) return null;
  if (row.method === 'oidc' && !(await isConfirmedByProvider(row.id))) return null;
  return {
    id: row.id,
    userId: row.user_id,
    actor: row.name,
    grants: await grantsOf(row.user_id),
    expiresAtMs: Number(row.expires_at_ms),
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

type Revocations = Set<() => void>;

function revocations(): Revocations {
  return singleton<Revocations>('session-revocations', () => new Set());
}

/** Calls `listener` when a session ends early or somebody's grants change, so that what follows from them ends at once. */
export function onRevocation(listener: () => void): void {
  revocations().add(listener);
}

/** Call after a session has ended or grants have changed. */
export function accessChanged(): void {
  for (const listener of revocations()) listener();
}

export async function revokeSession(id: string): Promise<void> {
  const db = await database();
  await db.updateTable('sessions').set({ revoked_at_ms: Date.now() }).where('id', '=', id).execute();
  accessChanged();
}
