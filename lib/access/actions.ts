'use server';

import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';
import { z } from 'zod';
import { config } from '../config';
import { ownPath } from '../paths';
import { setResponseHeader } from '../response-headers';
import { type Result, resultOf } from '../result';
import { noteSignIn } from './audit';
import { currentSession, requireOwnOrigin } from './guard';
import { parseInput, parseNoInput } from './input';
import { signOutUrl } from './oidc/membership';
import { isSignInToken } from './secrets';
import { revokeSession, type SignInMethod, sessionCookieName, sessionCookieOptions } from './sessions';
import { clientAddress, completeSignIn } from './sign-in';
import { type Attempt, signInAttempts } from './sign-in-attempts';
import { type CodeProblem, redeemCode } from './sign-in-codes';
import { LOCAL_ADMIN } from './users';

const NO_CODE = 'Enter the code from the sign-in link.';
const Form = z.instanceof(FormData, { error: NO_CODE });
const Code = z.string(NO_CODE).trim().min(1, NO_CODE).max(512, 'A code has at most 512 characters.');

const ANOTHER = 'Run “npm run sign-in-link” on the server to print another.';
const CODE_PROBLEMS = {
  unknown: `This code is not valid. Use the link that the server printed when it last started. ${ANOTHER}`,
  used: `This link was used already: it signs in one browser, once. ${ANOTHER}`,
  expired: `This link has expired: it works for 15 minutes. ${ANOTHER}`,
  off: 'Sign-in by link is switched off here. Use another way, or ask whoever runs this server.',
} satisfies Record<CodeProblem, string>;

/**
 * Signs in the local administrator with the form field `token`, which holds the code of a sign-in link or the fixed token,
 * and goes to the page in `next`, or stays on the page if the form has `stays`. Requires no session.
 */
export async function signIn(_previous: Result<null> | null, form: FormData): Promise<Result<null>> {
  const result = await resultOf(async () => {
    await requireOwnOrigin();
    const text = parseInput(Code, parseInput(Form, form).get('token'));
    const place = { address: clientAddress(), account: LOCAL_ADMIN.id };
    const method = await signInAttempts().run(place, 'with a sign-in link', () => checkCode(text));
    await completeSignIn(LOCAL_ADMIN.id, method);
    return null;
  });
  // The first page knows the filter that the person starts with.
  if (result.ok && form.get('stays') === null) redirect(ownPath(form.get('next')) ?? '/');
  return result;
}

async function checkCode(text: string): Promise<Attempt<SignInMethod>> {
  if (config().signIn.hasLink && isSignInToken(text)) return { right: 'token' };
  const problem = await redeemCode(text);
  return problem === null ? { right: 'link' } : { wrong: CODE_PROBLEMS[problem] };
}

/**
 * What a browser forgets when a person signs out. Not `cookies`, which would sign them out of every site of the company's
 * domain.
 */
const LEFT_BEHIND = '"cache", "storage"';

/**
 * Ends the caller's session, if any, and returns where the person also signs out at the provider, if one signed them in.
 * Operations that were started in the session go on. Requires no session.
 */
export async function signOut(...input: []): Promise<Result<{ continueAt: string | null }>> {
  return resultOf(async () => {
    await requireOwnOrigin();
    parseNoInput(input);
    const session = await currentSession();
    // The tokens of the session are forgotten with it.
    const continueAt = session && (await signOutUrl(session.id));
    if (session) {
      await noteSignIn(session, { kind: 'signed-out', detail: `from ${clientAddress()}` });
      await revokeSession(session.id);
    }
    (await cookies()).set(sessionCookieName(), '', { ...sessionCookieOptions(), maxAge: 0 });
    setResponseHeader('clear-site-data', LEFT_BEHIND);
    return { continueAt };
  });
}
