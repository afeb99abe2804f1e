import 'server-only';
import { z } from 'zod';
import { config } from '../../config';
import { openJson, sealJson } from './sealed';

/** What the browser keeps, sealed, while its person is at the provider. */
const StoredFlow = z.object({
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** The page to go to afterwards. */
  next: z.string().nullable(),
  /** The person who tests the sign-in; `null` for a sign-in. */
  testedBy: z.string().nullable(),
  startedAtMs: z.number(),
});
export type Flow = z.infer<typeof StoredFlow>;

type Cookie = { name: string; value: string };
type Options = {
  httpOnly: true;
  sameSite: 'lax';
  secure: boolean;
  path: '/';
  maxAge: number;
};

const PURPOSE = 'sign-in flow';
const PROBLEM_PURPOSE = 'sign-in problem';
const MAX_AGE_MS = 10 * 60 * 1000;
/** A browser may sign in in several tabs at once. Older attempts are dropped, because cookies have little room. */
const MAX_FLOWS = 4;
const MAX_NEXT_CHARS = 1_500;
/** Sealed, it has to fit into a cookie. */
const MAX_PROBLEM_BYTES = 2_400;

const prefix = () => `${isHttps() ? '__Host-' : ''}sandkeeper_flow_${config().port}_`;
const flowCookieName = (state: string) => `${prefix()}${state.replace(/[^\w-]/g, '').slice(0, 16)}`;
export const problemCookieName = () => `${isHttps() ? '__Host-' : ''}sandkeeper_problem_${config().port}`;

function isHttps(): boolean {
  return config().publicOrigin?.startsWith('https:') ?? false;
}

/** `lax`, because the provider sends the browser back from another site. */
export function flowCookieOptions(maxAgeMs = MAX_AGE_MS): Options {
  return { httpOnly: true, sameSite: 'lax', secure: isHttps(), path: '/', maxAge: maxAgeMs / 1_000 };
}

/** The cookie of a flow that starts now. */
export function flowCookie(flow: Omit<Flow, 'startedAtMs'>): Cookie {
  const next = flow.next !== null && flow.next.length <= MAX_NEXT_CHARS ? flow.next : null;
  const value = sealJson(PURPOSE, { ...flow, next, startedAtMs: Date.now() } satisfies Flow);
  return { name: flowCookieName(flow.state), value };
}

/** The flow of this browser that a provider answers, with the name of its cookie, or `null` if it started none or too long ago. */
export function flowOf(state: string, cookies: readonly Cookie[]): { flow: Flow; cookieName: string } | null {
  const cookieName = flowCookieName(state);
  const flow = readFlow(cookies.find(({ name }) => name === cookieName)?.value);
  if (flow === null || flow.state !== state) return null;
  return { flow, cookieName };
}

/** The names of cookies to delete before another flow starts. */
export function flowsToDrop(cookies: readonly Cookie[]): string[] {
  const flows = cookies
    .filter(({ name }) => name.startsWith(prefix()))
    .map(({ name, value }) => ({ name, startedAtMs: readFlow(value)?.startedAtMs ?? 0 }))
    .sort((one, other) => other.startedAtMs - one.startedAtMs);
  return flows.slice(MAX_FLOWS - 1).map(({ name }) => name);
}

function readFlow(value: string | undefined): Flow | null {
  const flow = openJson(PURPOSE, StoredFlow, value);
  return flow !== null && Date.now() - flow.startedAtMs < MAX_AGE_MS ? flow : null;
}

/** Why a sign-in was refused, on the way to the sign-in page. It names groups, so it does not belong in an address. */
export function problemCookie(problem: string): Cookie {
  return { name: problemCookieName(), value: sealJson(PROBLEM_PURPOSE, shorten(problem)) };
}

function shorten(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_PROBLEM_BYTES) return text;
  // A character that is cut in half becomes a sign of its own.
  const cut = bytes.subarray(0, MAX_PROBLEM_BYTES).toString('utf8');
  return `${cut.replace(/\uFFFD+$/, '')}…`;
}

export function problemOf(cookies: readonly Cookie[]): string | null {
  const value = cookies.find(({ name }) => name === problemCookieName())?.value;
  return openJson(PROBLEM_PURPOSE, z.string(), value);
}
