import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { singleton } from './singleton';

/** What is known of the request in whose code this runs. */
export type RequestFacts = {
  /** Also in the answer as `x-request-id`, and in the audit log. */
  readonly id: string;
  /** The address of the client. */
  readonly address: string;
  readonly userAgent: string | null;
  /** The session that a guard has found. */
  session: { id: string; userId: string } | null;
};

const MAX_AGENT_CHARS = 300;

/** Shared by the front and by the code of Next.js, which are bundled apart. */
function storage(): AsyncLocalStorage<RequestFacts> {
  return singleton('request-facts', () => new AsyncLocalStorage<RequestFacts>());
}

/** Runs `work`, and everything that it starts, with the facts of a new request. */
export function withRequestFacts<T>(
  { address, userAgent }: { address: string; userAgent: string | undefined },
  work: (facts: RequestFacts) => T,
): T {
  const facts: RequestFacts = {
    id: randomBytes(9).toString('base64url'),
    address,
    userAgent: userAgent?.slice(0, MAX_AGENT_CHARS) ?? null,
    session: null,
  };
  return storage().run(facts, () => work(facts));
}

/** The facts of the current request, or `null` outside of one. */
export function requestFacts(): RequestFacts | null {
  return storage().getStore() ?? null;
}

/** Notes whose request this is. */
export function noteSession(session: { id: string; userId: string }): void {
  const facts = requestFacts();
  if (facts !== null) facts.session = { id: session.id, userId: session.userId };
}
