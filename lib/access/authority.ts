import 'server-only';
import { database } from '../db/client';
import { mayIn, type Scope } from '../grants';
import type { Role } from '../roles';
import type { Caller } from './guard';
import { grantsOf } from './users';

/** Whether what a person began may go on: checked again when sessions or grants change. */

type Standing = { name: string; isDisabled: boolean; isRevoked: boolean; endedBy: string | null };

/** `null` for a person whom this database does not know, whose work says nothing about sessions here. */
async function readStanding(userId: string, sessionId: string | null): Promise<Standing | null> {
  const db = await database();
  const user = await db
    .selectFrom('users')
    .select(['name', 'is_disabled'])
    .where('id', '=', userId)
    .executeTakeFirst();
  if (!user) return null;
  const session = await db
    .selectFrom('sessions')
    .select(['revoked_at_ms', 'ended_by'])
    .where('id', '=', sessionId ?? '')
    .executeTakeFirst();
  return {
    name: user.name,
    isDisabled: Number(user.is_disabled) === 1,
    isRevoked: session !== undefined && session.revoked_at_ms !== null,
    endedBy: session?.ended_by ?? null,
  };
}

/**
 * Why an operation must send nothing more, as the end of a sentence; `null`: it may go on. It goes on when its person signs
 * out or their session runs out: they have confirmed it. It does not when somebody ended the session, when the person was
 * disabled, or when they lost the role.
 */
export async function lostAuthority(
  { actorId, sessionId }: { actorId: string; sessionId: string | null },
  role: Role,
  scope: Scope,
): Promise<string | null> {
  const standing = await readStanding(actorId, sessionId);
  if (standing === null) return null;
  const { name, isDisabled, endedBy } = standing;
  if (endedBy !== null) return `${endedBy} ended the session in which it was started`;
  if (isDisabled) return `the account of ${name} was disabled`;
  return mayIn(await grantsOf(actorId), role, scope) ? null : `${name} no longer has the ${role} role there`;
}

/** Whether a transfer that was admitted must end: its session is over, its person disabled, or the role lost. */
export async function isAdmissionLost({ id, userId }: Caller, role: Role, scope: Scope): Promise<boolean> {
  const standing = await readStanding(userId, id);
  if (standing === null) return false;
  return standing.isRevoked || standing.isDisabled || !mayIn(await grantsOf(userId), role, scope);
}
