import 'server-only';
import { createHash } from 'node:crypto';
import { config } from '../config';
import { database } from '../db/client';
import { SandkeeperError } from '../errors';
import { noteSignIn } from './audit';
import type { ListedSession } from './session-schema';
import { endSessions, type SignInMethod, validSessions, type Who } from './sessions';
import { findUser } from './users';

/** The open sessions of a person, the last used first. `currentId` is the session of the request. */
export async function listSessions(userId: string, currentId: string): Promise<ListedSession[]> {
  const rows = await readOpen(userId);
  return rows.map((row) => ({
    ref: refOf(row.id),
    method: row.method as SignInMethod,
    createdAtMs: Number(row.created_at_ms),
    lastSeenAtMs: Number(row.last_seen_at_ms),
    expiresAtMs: Math.min(Number(row.expires_at_ms), Number(row.last_seen_at_ms) + config().sessions.idleMs),
    address: row.address,
    userAgent: row.user_agent,
    isCurrent: row.id === currentId,
  }));
}

async function readOpen(userId: string) {
  return validSessions(await database())
    .select(['sessions.id', 'method', 'sessions.created_at_ms', 'sessions.last_seen_at_ms', 'expires_at_ms'])
    .select(['address', 'user_agent'])
    .where('user_id', '=', userId)
    .orderBy('sessions.last_seen_at_ms', 'desc')
    .orderBy('sessions.created_at_ms', 'desc')
    .execute();
}

/** Names a session on pages. Its id stays on the server. */
function refOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 22);
}

/** Ends one session of a person. Throws `not_found` if it is over already. */
export async function endSession(by: Who, userId: string, ref: string): Promise<null> {
  const row = (await readOpen(userId)).find(({ id }) => refOf(id) === ref);
  if (!row) throw new SandkeeperError('not_found', 'This session is over already.');
  await end(by, userId, [row.id]);
  return null;
}

/** Ends every session of a person but `exceptId`. */
export async function endAllSessions(by: Who, userId: string, exceptId: string | null): Promise<number> {
  const ids = (await readOpen(userId)).map(({ id }) => id).filter((id) => id !== exceptId);
  if (ids.length > 0) await end(by, userId, ids);
  return ids.length;
}

async function end(by: Who, userId: string, ids: readonly string[]): Promise<void> {
  const count = ids.length === 1 ? 'one session' : `${ids.length} sessions`;
  const whose = by.userId === userId ? 'of their own' : `of ${(await findUser(userId))?.name ?? 'a person'}`;
  await noteSignIn(by, { kind: 'session-ended', detail: `${count} ${whose}` });
  await endSessions(ids, by.actor);
}
