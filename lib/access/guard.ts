import 'server-only';
import { cookies, headers } from 'next/headers';
import { forbidden, notFound, redirect } from 'next/navigation';
import type { z } from 'zod';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { ANYWHERE, EVERYWHERE, roleIn, type Scope } from '../grants';
import { ownPath, PATH_HEADER, paths } from '../paths';
import { noteSession } from '../request-facts';
import { type Role, roleSuffices } from '../roles';
import { parseInput } from './input';
import { isOwnOrigin } from './origin';
import { findSession, findSessionInUse, type Session, sessionCookieName } from './sessions';

/** A session with its role where the guard required one. */
export type Caller = Session & { role: Role };

/** Where a role is required, or the parameters of a route, which name a connection or lead to one. */
type Place = Scope | Promise<Scope | { connection: string }>;

/**
 * Guards a page. Redirects to the sign-in page and back without a session, and to a page of its own without any role. Shows `not-found.tsx` for a connection that the
 * person must not learn of, and `forbidden.tsx` for an insufficient role.
 */
export async function guardPage(role: Role, where: Place): Promise<Caller> {
  const session = await currentSession();
  if (!session) redirect(paths.signIn(ownPath((await headers()).get(PATH_HEADER))));
  if (roleIn(session.grants, ANYWHERE) === null) redirect(paths.noAccess());
  const scope = await scopeAt(where);
  const held = roleIn(session.grants, scope);
  if (held === null && isHiding(scope)) notFound();
  if (held === null || !roleSuffices(held, role)) forbidden();
  return { ...session, role: held };
}

/** Guards a route that only reads. Without `isUse` the request does not keep the session from running out. Throws `unauthenticated`, `not_found` for a hidden connection, or `forbidden`. */
export async function guardRead(role: Role, where: Place, { isUse = true } = {}): Promise<Caller> {
  const session = await currentSession({ isUse });
  if (!session) throw new SandkeeperError('unauthenticated', 'Sign in first.');
  return requireRole(session, role, await scopeAt(where));
}

/**
 * Guards a route that writes: like `guardRead`, and the request must come from our own origin. The check is needed because
 * Next.js accepts requests without `Origin`.
 */
export async function guardWrite(role: Role, where: Place): Promise<Caller> {
  await requireOwnOrigin();
  return guardRead(role, where);
}

/**
 * Guards a server action and parses its input: like `guardWrite`, where the input says which connections it concerns.
 * Only a person with the role on some connection learns that the input is wrong. Throws `invalid` for that.
 */
export async function guardAction<Input>(
  role: Role,
  schema: z.ZodType<Input>,
  input: unknown,
  where: Scope | ((input: Input) => Scope | Promise<Scope>),
): Promise<[Caller, Input]> {
  const caller = await guardWrite(role, where === EVERYWHERE ? EVERYWHERE : ANYWHERE);
  const request = parseInput(schema, input);
  const scope = typeof where === 'function' ? await where(request) : where;
  return [requireRole(caller, role, scope), request];
}

async function scopeAt(where: Place): Promise<Scope> {
  const place = await where;
  return typeof place === 'object' && 'connection' in place ? place.connection : place;
}

/** Whether the scope names connections, so that a missing role must not show that they exist. */
function isHiding(scope: Scope): boolean {
  return scope !== ANYWHERE && scope !== EVERYWHERE;
}

/** Throws `forbidden` unless the `Origin` header is ours. */
export async function requireOwnOrigin(): Promise<void> {
  if (isOwnOrigin(config(), (await headers()).get('origin'))) return;
  throw new SandkeeperError('forbidden', 'This request did not come from a page of Sandkeeper.');
}

/**
 * The session of the request, or `null`. An invalid cookie does not throw. The request counts as use of the session unless
 * it is one that pages send by themselves.
 */
export async function currentSession({ isUse = true } = {}): Promise<Session | null> {
  const cookie = (await cookies()).get(sessionCookieName())?.value;
  const session = await (isUse ? findSessionInUse(cookie) : findSession(cookie));
  if (session) noteSession(session);
  return session;
}

/**
 * The session with its role in the scope. Throws `forbidden` if it is insufficient, and `not_found` without any, as for a
 * connection that does not exist.
 */
export function requireRole(session: Session, role: Role, scope: Scope): Caller {
  const held = roleIn(session.grants, scope);
  if (held !== null && roleSuffices(held, role)) return { ...session, role: held };
  if (held === null && isHiding(scope)) throw new SandkeeperError('not_found', NOT_FOUND);
  throw new SandkeeperError(
    'forbidden',
    `This requires the ${role} role${held === null ? ' on all connections.' : `. You are signed in as ${held}.`}`,
  );
}

/** The same for what does not exist and for what the person must not learn of. */
export const NOT_FOUND = 'This does not exist, or you have no access to it.';
