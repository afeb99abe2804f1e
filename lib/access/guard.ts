import 'server-only';
import { cookies, headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { isOwnOrigin } from './origin';
import { type Role, roleSuffices } from './roles';
import { findSession, type Session, sessionCookieName } from './sessions';

/** For a page: sends somebody who is not signed in to sign in; a role that does not suffice throws `forbidden`. */
export async function guardPage(role: Role): Promise<Session> {
  const session = await currentSession();
  if (!session) redirect('/sign-in');
  return requireRole(session, role);
}

/** For a route that only reads. Throws `unauthenticated` or `forbidden`. */
export async function guardRead(role: Role): Promise<Session> {
  const session = await currentSession();
  if (!session) throw new SandkeeperError('unauthenticated', 'Sign in first.');
  return requireRole(session, role);
}

/**
 * For a server action or a route that writes: as `guardRead`, and the request must come from a page of ours. Next.js
 * lets a request without `Origin` through, so we ask for it ourselves.
 */
export async function guardWrite(role: Role): Promise<Session> {
  await requireOwnOrigin();
  return guardRead(role);
}

/** Throws `forbidden` unless the request says it comes from a page of ours. */
export async function requireOwnOrigin(): Promise<void> {
  if (isOwnOrigin(config(), (await headers()).get('origin'))) return;
  throw new SandkeeperError('forbidden', 'This request did not come from a page of Sandkeeper.');
}

/** Who is signed in, or `null`. Never throws for a bad cookie. */
export async function currentSession(): Promise<Session | null> {
  return findSession((await cookies()).get(sessionCookieName())?.value);
}

/** `session`, or `forbidden` when its role is below `role`. */
export function requireRole(session: Session, role: Role): Session {
  if (roleSuffices(session.role, role)) return session;
  throw new SandkeeperError(
    'forbidden',
    `This needs the role ${role}; you are signed in as ${session.role}.`,
  );
}
