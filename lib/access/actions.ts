'use server';

import { cookies, headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { CLIENT_ADDRESS_HEADER } from '../http/client-address';
import { ownPath } from '../paths';
import { type Result, resultOf } from '../result';
import { singleton } from '../singleton';
import { currentSession, requireOwnOrigin } from './guard';
import { parseInput, parseNoInput } from './input';
import { isSignInToken } from './secrets';
import { openSession, revokeSession, sessionCookieName, sessionCookieOptions } from './sessions';
import { SignInThrottle } from './sign-in-throttle';
import { LOCAL_ADMIN } from './users';

const NO_TOKEN = 'Enter the token from the sign-in link.';
const Form = z.instanceof(FormData, { error: NO_TOKEN });
const Token = z.string(NO_TOKEN).trim().min(1, NO_TOKEN).max(512, 'A token has at most 512 characters.');

/**
 * Signs in with the form field `token`, the token of the sign-in link, and goes to the page in `next`, or stays on the
 * page if the form has `stays`. Requires no session.
 */
export async function signIn(_previous: Result<null> | null, form: FormData): Promise<Result<null>> {
  const result = await resultOf(async () => {
    await requireOwnOrigin();
    const token = parseInput(Token, parseInput(Form, form).get('token'));
    const attempts = singleton('sign-in-attempts', () => new SignInThrottle());
    const address = (await headers()).get(CLIENT_ADDRESS_HEADER) ?? '';
    if (!(await attempts.run(address, () => isSignInToken(token)))) {
      throw new SandkeeperError(
        'unauthenticated',
        'This token is not valid. Use the link that the server printed when it last started.',
      );
    }
    const cookie = await openSession({ userId: LOCAL_ADMIN.id, method: 'link' });
    (await cookies()).set(sessionCookieName(), cookie, sessionCookieOptions());
    return null;
  });
  // The first page knows the filter that the person starts with.
  if (result.ok && form.get('stays') === null) redirect(ownPath(form.get('next')) ?? '/');
  return result;
}

/** Ends the caller's session, if any. Requires no session. */
export async function signOut(...input: []): Promise<Result<null>> {
  return resultOf(async () => {
    await requireOwnOrigin();
    parseNoInput(input);
    const session = await currentSession();
    if (session) await revokeSession(session.id);
    (await cookies()).delete(sessionCookieName());
    return null;
  });
}
