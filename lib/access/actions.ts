'use server';

import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { type Result, resultOf } from '../result';
import { singleton } from '../singleton';
import { currentSession, requireOwnOrigin } from './guard';
import { isSignInToken } from './secrets';
import { openSession, revokeSession, sessionCookieName, sessionCookieOptions } from './sessions';
import { SignInThrottle } from './sign-in-throttle';

const Token = z.string().trim().min(1).max(512);

/** Signs in with the form field `token`, the token of the sign-in link. Requires no session. */
export async function signIn(_previous: Result<null> | null, form: FormData): Promise<Result<null>> {
  const result = await resultOf(async () => {
    await requireOwnOrigin();
    const token = Token.safeParse(form.get('token'));
    if (!token.success) throw new SandkeeperError('invalid', 'Enter the token from the sign-in link.');
    const attempts = singleton('sign-in-attempts', () => new SignInThrottle());
    if (!(await attempts.run(() => isSignInToken(token.data)))) {
      throw new SandkeeperError(
        'unauthenticated',
        'This token is not valid. Use the link that the server printed when it last started.',
      );
    }
    const cookie = await openSession({ role: 'admin', actor: 'admin' });
    (await cookies()).set(sessionCookieName(), cookie, sessionCookieOptions());
    return null;
  });
  if (result.ok) redirect('/sandboxes');
  return result;
}

/** Ends the caller's session, if any. Requires no session. */
export async function signOut(): Promise<void> {
  await requireOwnOrigin();
  const session = await currentSession();
  if (session) await revokeSession(session.id);
  (await cookies()).delete(sessionCookieName());
}
