import 'server-only';
import { cookies, headers } from 'next/headers';
import { forbidden, redirect } from 'next/navigation';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { ownPath, PATH_HEADER, paths } from '../paths';
import { isOwnOrigin } from './origin';
import { type Role, roleSuffices } from './roles';
import { findSession, type Session, sessionCookieName } from './sessions';

/** Guards a page. Redirects to the sign-in page and back without a session. Shows `forbidden.tsx` for an insufficient role. */
export async function guardPage(role: Role): Promise<Session> {
  const session = await currentSession();
  if (!session) redirect(paths.signIn(ownPath((await headers()).get(PATH_HEADER))));
  if (!roleSuffices(session.role, role)) forbidden();
  return session;
}

/** Guards a route that only reads. Throws `unauthenticated` or `forbidden`. */
export async function guardRead(role: Role): Promise<Session> {
  const session = await currentSession();
  if (!session) throw new SandkeeperError('unauthenticated', 'Sign in first.');
  return requireRole(session, role);
}

/**
 * Guards a server action or a route that writes: like `guardRead`, and the request must come from our own origin. The
 * check is needed because Next.js accepts requests without `Origin`.
 */
export async function guardWrite(role: Role): Promise<Session> {
  await requireOwnOrigin();
  return guardRead(role);
}

/** Throws `forbidden` unless the `Origin` header is ours. */
export async function requireOwnOrigin(): Promise<void> {
  if (isOwnOrigin(config(), (await headers()).get('origin'))) return;
  throw new SandkeeperError('forbidden', 'This request did not come from a page of Sandkeeper.');
}

/** The session of the request, or `null`. An invalid cookie does not throw. */
export async function currentSession(): Promise<Session | null> {
  return findSession((await cookies()).get(sessionCookieName())?.value);
}

/** Returns `session`. Throws `forbidden` if its role is insufficient. */
export function requireRole(session: Session, role: Role): Session {
  if (roleSuffices(session.role, role)) return session;
  throw new SandkeeperError(
    'forbidden',
    `This requires the ${role} role. You are signed in as ${session.role}.`,
  );
}
