import 'server-only';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { config } from '../config';
import { database } from '../db/client';
import { singleton } from '../singleton';
import { ROLES, type Role } from './roles';
import { seal, tokenFingerprint, unseal } from './secrets';

/** `actor` is the name in the audit log. */
export type Session = { id: string; role: Role; actor: string; expiresAtMs: number };

const LIFETIME_MS = 12 * 60 * 60 * 1000;
const PURPOSE = 'session';
const StoredRole = z.enum(ROLES);

/** Contains the port: cookies are shared between ports, and two servers on one host need two names. */
export function sessionCookieName(): string {
  return `sandkeeper_session_${config().port}`;
}

/** The attributes of the session cookie. `maxAge` is in seconds. */
export function sessionCookieOptions() {
  return {
    httpOnly: true,
    sameSite: 'strict',
    secure: config().publicOrigin?.startsWith('https:') ?? false,
    path: '/',
    maxAge: LIFETIME_MS / 1000,
  } as const;
}

/** Opens a session and returns its cookie value. */
export async function openSession({ role, actor }: { role: Role; actor: string }): Promise<string> {
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
      role,
      actor,
      token_fingerprint: tokenFingerprint(),
      created_at_ms: nowMs,
      expires_at_ms: nowMs + LIFETIME_MS,
      revoked_at_ms: null,
    })
    .execute();
  return seal(PURPOSE, id);
}

/** The session of a cookie, or `null` if it is forged, expired or revoked, or its sign-in token has changed. */
export async function findSession(cookie: string | undefined): Promise<Session | null> {
  const id = cookie === undefined ? null : unseal(PURPOSE, cookie);
  return id === null ? null : findSessionById(id);
}

/** The current session with this id, or `null`. For work that continues after the request. */
export async function findSessionById(id: string): Promise<Session | null> {
  const db = await database();
  const row = await db
    .selectFrom('sessions')
    .select(['id', 'role', 'actor', 'expires_at_ms'])
    .where('id', '=', id)
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', Date.now())
    .where('token_fingerprint', '=', tokenFingerprint())
    .executeTakeFirst();
  if (!row) return null;
  return {
    id: row.id,
    role: StoredRole.parse(row.role),
    actor: row.actor,
    expiresAtMs: Number(row.expires_at_ms),
  };
}

type Revocations = Set<() => void>;

function revocations(): Revocations {
  return singleton<Revocations>('session-revocations', () => new Set());
}

/** Calls `listener` when a session ends early, so that its connections can be closed at once. */
export function onRevocation(listener: () => void): void {
  revocations().add(listener);
}

export async function revokeSession(id: string): Promise<void> {
  const db = await database();
  await db.updateTable('sessions').set({ revoked_at_ms: Date.now() }).where('id', '=', id).execute();
  for (const listener of revocations()) listener();
}
