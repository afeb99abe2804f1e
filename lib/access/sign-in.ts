import 'server-only';
import { cookies } from 'next/headers';
import type { SignInRules } from '../config';
import { SandkeeperError } from '../errors';
import { requestFacts } from '../request-facts';
import { noteSignIn } from './audit';
import { currentSession } from './guard';
import {
  openSession,
  revokeSession,
  type SignInMethod,
  sessionCookieName,
  sessionCookieOptions,
  sessionIdIn,
} from './sessions';
import { findUser } from './users';

/** The ways to sign in, as the access log names them. */
const METHOD_NAMES = {
  link: 'with a sign-in link',
  token: 'with the fixed token',
  oidc: 'with a provider',
} satisfies Record<SignInMethod, string>;

/** What the sign-in page takes besides other ways; `null`: sign-in by link is switched off. */
export function linkFieldOf({ hasLink, token }: SignInRules): 'code' | 'code-or-token' | null {
  if (!hasLink) return null;
  return token === undefined ? 'code' : 'code-or-token';
}

/** The address of the client of this request. Empty if it is unknown. */
export function clientAddress(): string {
  return requestFacts()?.address ?? '';
}

/**
 * Completes a sign-in in an action or a route: records it, opens a session of the person, sets its cookie and returns its
 * id. Throws `forbidden` for a disabled person.
 */
export async function completeSignIn(userId: string, method: SignInMethod): Promise<string> {
  const user = await findUser(userId);
  if (user === null || user.isDisabled)
    throw new SandkeeperError('forbidden', 'This account is disabled. Ask an admin to enable it again.');
  const detail = `${METHOD_NAMES[method]}, from ${clientAddress() || 'an unknown address'}`;
  await noteSignIn({ userId, actor: user.name }, { kind: 'signed-in', detail });
  // Whatever session the browser had is over: nobody goes on under a session that was put there before.
  const before = await currentSession({ isUse: false });
  if (before) await revokeSession(before.id);
  const cookie = await openSession({ userId, method });
  (await cookies()).set(sessionCookieName(), cookie, sessionCookieOptions());
  return sessionIdIn(cookie) ?? '';
}
