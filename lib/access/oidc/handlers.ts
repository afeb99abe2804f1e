import 'server-only';
import { cookies, headers } from 'next/headers';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { EVERYWHERE, mayIn } from '../../grants';
import { ownPath, paths } from '../../paths';
import { noteSignIn } from '../audit';
import { currentSession } from '../guard';
import { sessionCookieName, sessionIdIn } from '../sessions';
import { clientAddress, completeSignIn } from '../sign-in';
import { admit } from './admission';
import {
  type Flow,
  flowCookie,
  flowCookieOptions,
  flowOf,
  flowsToDrop,
  problemCookie,
  problemCookieName,
  problemOf,
} from './flow';
import { logOutByProvider } from './logout-token';
import { findProvider, finishAttempt, ProviderError, publicOrigin, startAttempt } from './provider';
import { attachProvider, findProviderSession, isConfirmed } from './provider-sessions';
import { keepTest, testSignIn } from './sign-in-test';

const PROBLEM_AGE_MS = 2 * 60 * 1000;
const NOT_STARTED =
  'This sign-in was not started in this browser, was finished already, or took more than 10 minutes. Sign in again.';

/** Sends the browser to a provider. `testedBy` is the id of the person who tests the sign-in. */
export async function startFlow(
  request: Request,
  name: string,
  testedBy: string | null = null,
): Promise<Response> {
  const { searchParams, pathname } = new URL(request.url);
  const next = ownPath(searchParams.get('next'));
  const jar = await cookies();
  const provider = findProvider(name);
  if (provider === null) {
    if (testedBy !== null) throw new SandkeeperError('not_found', 'This provider is not set up here.');
    return refuse('This way to sign in is not set up here. Choose another one.', next);
  }
  // The provider sends the browser to this host, which has to have the cookie.
  const host = (await headers()).get('host');
  if (host !== new URL(publicOrigin()).host && !searchParams.has('moved')) {
    searchParams.set('moved', '');
    return redirectTo(`${publicOrigin()}${pathname}?${searchParams}`);
  }
  try {
    const { attempt, url } = await startAttempt(provider);
    for (const old of flowsToDrop(jar.getAll())) jar.set(old, '', flowCookieOptions(0));
    const { name: cookieName, value } = flowCookie({ ...attempt, provider: name, next, testedBy });
    jar.set(cookieName, value, flowCookieOptions());
    jar.set(problemCookieName(), '', flowCookieOptions(0));
    return redirectTo(url.href);
  } catch (error) {
    return refuse(await explain(name, error), next);
  }
}

/** Finishes the flow that a provider answers: signs the person in, or reports the test. */
export async function finishFlow(request: Request): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const jar = await cookies();
  const found = flowOf(query.get('state') ?? '', jar.getAll());
  if (found === null) return refuse(NOT_STARTED, null);
  const { flow, cookieName } = found;
  // Each flow is finished once.
  jar.set(cookieName, '', flowCookieOptions(0));
  if (flow.testedBy !== null) return finishTest(flow, flow.testedBy, query);
  const provider = findProvider(flow.provider);
  if (provider === null) return refuse(NOT_STARTED, flow.next);
  try {
    const { account, tokens } = await finishAttempt(provider, flow, query);
    const sessionId = await completeSignIn(await admit(provider, account), 'oidc');
    await attachProvider(sessionId, provider.name, account, tokens);
    return redirectTo(flow.next ?? '/');
  } catch (error) {
    return refuse(await explain(flow.provider, error), flow.next);
  }
}

async function finishTest(flow: Flow, testedBy: string, query: URLSearchParams): Promise<Response> {
  const session = await currentSession();
  const provider = findProvider(flow.provider);
  const isTester = session?.userId === testedBy && mayIn(session.grants, 'admin', EVERYWHERE);
  if (!isTester || provider === null) return refuse(NOT_STARTED, paths.signInSettings());
  const id = await keepTest(testedBy, await testSignIn(provider, flow, query));
  return redirectTo(paths.signInTest(id));
}

/** Ends sessions on behalf of a provider, in the words of its protocol. */
export async function answerLogout(request: Request, name: string): Promise<Response> {
  const provider = findProvider(name);
  const refused = (description: string, status = 400) =>
    Response.json(
      { error: 'invalid_request', error_description: description },
      { status, headers: { 'cache-control': 'no-store' } },
    );
  if (provider === null) return refused('This provider is not set up here.', 404);
  const isForm =
    request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false;
  if (!isForm) return refused('Send the logout token in a form.');
  const token = new URLSearchParams(await readText(request)).get('logout_token') ?? '';
  try {
    await logOutByProvider(provider, token);
    return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } });
  } catch (error) {
    if (error instanceof ProviderError) return refused('The keys of the provider could not be read.', 503);
    if (!(error instanceof SandkeeperError) || error.code !== 'invalid') throw error;
    console.warn(`A logout token of ${name} was refused: ${error.message}`);
    return refused(error.message);
  }
}

const MAX_LOGOUT_BYTES = 64 * 1024;

/** Empty if it is too long. */
async function readText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > MAX_LOGOUT_BYTES) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Why the person is at the sign-in page again, or `null`: a refused sign-in, or the end of their session by its provider. */
export async function signInProblem(): Promise<string | null> {
  const jar = await cookies();
  const refused = problemOf(jar.getAll());
  if (refused !== null) return refused;
  const id = sessionIdIn(jar.get(sessionCookieName())?.value);
  const session = id === null ? null : await findProviderSession(id);
  if (session === null || isConfirmed(session)) return null;
  const { providers } = config().oidc;
  const title = providers.find(({ name }) => name === session.provider)?.title ?? 'Your provider';
  return session.ended ?? `${title} has to confirm that you still have access. Sign in again.`;
}

async function refuse(problem: string, next: string | null): Promise<Response> {
  const { name, value } = problemCookie(problem);
  (await cookies()).set(name, value, flowCookieOptions(PROBLEM_AGE_MS));
  return redirectTo(paths.signIn(next));
}

/** The sentence for the person. The log and the access log have codes alone. */
async function explain(name: string, error: unknown): Promise<string> {
  const isRefusal = error instanceof SandkeeperError && error.code === 'forbidden';
  if (!isRefusal && !(error instanceof ProviderError)) throw error;
  const reason = error instanceof ProviderError ? error.failure.log : 'the account has no access';
  console.warn(`A sign-in with ${name} was refused: ${reason}`);
  const place = (await clientAddress()) || 'an unknown address';
  await noteSignIn(null, { kind: 'sign-in-refused', detail: `with ${name}, from ${place}: ${reason}` });
  return error.message;
}

/** The callback answers with a redirect alone, so its address, which has the code, is never kept or the referrer of a page. */
function redirectTo(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });
}
