import 'server-only';
import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import type { Scope } from '../grants';
import { noteSession } from '../request-facts';
import type { Role } from '../roles';
import { type Caller, requireRole } from './guard';
import { isOwnOrigin } from './origin';
import { findSessionInUse, sessionCookieName } from './sessions';

/** Like `guardRead` and, with `writes`, `guardWrite`, for requests outside Next.js. Throws the same errors. */
export async function guardRequest(
  req: IncomingMessage,
  role: Role,
  scope: Scope,
  { writes = false } = {},
): Promise<Caller> {
  if (writes && !isOwnOrigin(config(), req.headers.origin)) {
    throw new SandkeeperError('forbidden', 'This request did not come from a page of Sandkeeper.');
  }
  const session = await findSessionInUse(sessionCookieOf(req));
  if (!session) throw new SandkeeperError('unauthenticated', 'Sign in first.');
  noteSession(session);
  return requireRole(session, role, scope);
}

/** The value of the session cookie, unverified. */
export function sessionCookieOf({ headers: { cookie = '' } }: IncomingMessage): string | undefined {
  return parseCookie(cookie)[sessionCookieName()];
}
