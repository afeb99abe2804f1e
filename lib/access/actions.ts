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
import { SlowDown } from './slow-down';

const Token = z.string().trim().min(1).max(512);

/** Signs in with the token of the sign-in link. Needs no role; the form's field is `token`. */
export async function signIn(_previous: Result<null> | null, form: FormData): Promise<Result<null>> {
  const result = await resultOf(async () => {
    await requireOwnOrigin();
    const token = Token.safeParse(form.get('token'));
    if (!token.success) throw new SandkeeperError('invalid', 'Paste the token from the sign-in link.');
    const attempts = singleton('sign-in-attempts', () => new SlowDown());
    if (!(await attempts.run(() => isSignInToken(token.data)))) {
      throw new SandkeeperError(
        'unauthenticated',
        'That token is not valid. Use the link that the server printed at its last start.',
      );
    }
    const cookie = await openSession({ role: 'admin', actor: 'admin' });
    (await cookies()).set(sessionCookieName(), cookie, sessionCookieOptions());
    return null;
  });
  if (result.ok) redirect('/sandboxes');
  return result;
}

/** Ends the caller's session. Needs no role: ending nothing is harmless. */
export async function signOut(): Promise<void> {
  await requireOwnOrigin();
  const session = await currentSession();
  if (session) await revokeSession(session.id);
  (await cookies()).delete(sessionCookieName());
}
