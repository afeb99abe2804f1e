import 'server-only';
import { config } from '../../config';
import type { DeclaredProvider } from '../../declared-providers';
import { ANYWHERE, grantsFingerprint, roleIn } from '../../grants';
import { singleton } from '../../singleton';
import { WorkLoop } from '../../work-loop';
import { accessChanged } from '../access-changes';
import { noteSignIn } from '../audit';
import { findIdentity, setGroups } from '../identities';
import { revokeSession } from '../sessions';
import { findUser, grantsOf, renameUser } from '../users';
import { emailIn, nameIn } from './admission';
import { describeNoAccess, groupsIn } from './groups';
import { type Account, findProvider, ProviderError, readAgain } from './provider';
import {
  changeProviderSession,
  claimDueChecks,
  endProviderSession,
  forgetEndedSessions,
  nextCheckAtMs,
  type ProviderSession,
  personOf,
  sessionsAt,
} from './provider-sessions';

const MAX_AT_ONCE = 8;
/** Providers are configured at the start alone. */
const IDLE_PAUSE_MS = 60 * 60_000;
const MIN_PAUSE_MS = 250;
/** Also finds the sessions that other servers have opened. */
const MAX_PAUSE_MS = 5_000;
const FORGET_EVERY_MS = 60_000;
const MAX_RETRY_MS = 60_000;

/**
 * Asks the providers again whether the people who are signed in still have their accounts and groups. A session is checked
 * at half of the configured time, so that a provider may fail for the other half before the session ends.
 */
export class MembershipChecks {
  readonly #loop = new WorkLoop({
    work: () => this.#work(),
    failureMessage: 'Memberships could not be checked:',
  });
  #forgotAtMs = 0;

  open(): void {
    this.#loop.poke();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  async #work(): Promise<number> {
    if (config().oidc.providers.length === 0) return IDLE_PAUSE_MS;
    const due = await claimDueChecks(MAX_AT_ONCE);
    await Promise.all(due.map((session) => this.#checkSafely(session)));
    if (Date.now() - this.#forgotAtMs > FORGET_EVERY_MS) {
      this.#forgotAtMs = Date.now();
      await forgetEndedSessions();
    }
    const nextAtMs = due.length === MAX_AT_ONCE ? Date.now() : await nextCheckAtMs();
    const untilNextMs = (nextAtMs ?? Number.POSITIVE_INFINITY) - Date.now();
    return Math.min(MAX_PAUSE_MS, config().oidc.checkMs / 4, Math.max(MIN_PAUSE_MS, untilNextMs));
  }

  /** One session must not keep the others from their checks. */
  async #checkSafely(session: ProviderSession): Promise<void> {
    try {
      await checkMembership(session);
    } catch (error) {
      console.error('A membership could not be checked:', error);
      await changeProviderSession(session.sessionId, { checkAtMs: Date.now() + MAX_RETRY_MS });
    }
  }
}

export function membershipChecks(): MembershipChecks {
  return singleton('membership-checks', () => new MembershipChecks());
}

/** Checks one session and keeps the result: new groups, a problem, or the end of the session. */
async function checkMembership(session: ProviderSession): Promise<void> {
  const provider = findProvider(session.provider);
  if (provider === null || provider.issuer !== session.issuer) {
    await end(
      session.sessionId,
      'The provider that signed you in is no longer set up here. Sign in another way.',
    );
    return;
  }
  const { title } = provider;
  try {
    const read =
      session.tokens &&
      (await readAgain(provider, session.tokens, session.subject, (tokens) =>
        changeProviderSession(session.sessionId, { tokens }),
      ));
    if (read) await keepAccount(provider, session, read.account);
    else {
      const needed = `${title} gave Sandkeeper no way to check your groups again. Sign in again to stay signed in.`;
      await keepProblem(session, needed, `Your groups at ${title} have to be checked again. Sign in again.`);
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { kind, message, log } = error.failure;
    console.warn(`A membership at ${session.provider} could not be checked: ${log}`);
    if (kind === 'ended') {
      await end(
        session.sessionId,
        `${title} no longer accepts your sign-in: the account was disabled, or its session there has ended. Sign in again.`,
      );
      return;
    }
    const minutes = Math.max(1, Math.round(config().oidc.checkMs / 60_000));
    const span = minutes === 1 ? '1 minute' : `${minutes} minutes`;
    await keepProblem(
      session,
      message,
      `${title} could not be asked for ${span} whether you still have access. Sign in again. If that fails, tell an admin.`,
    );
  }
}

async function keepAccount(
  provider: DeclaredProvider,
  session: ProviderSession,
  account: Account,
): Promise<void> {
  const identity = await findIdentity(session);
  const user = identity && (await findUser(identity.userId));
  if (!user) return end(session.sessionId, 'Your account no longer exists in Sandkeeper. Sign in again.');
  const before = grantsFingerprint(await grantsOf(user.id));
  const nowMs = Date.now();
  const groups = groupsIn(account.claims, provider);
  await setGroups(session, groups.known ? groups.names : [], nowMs);
  const held = await grantsOf(user.id);
  if (roleIn(held, ANYWHERE) === null) {
    const sentence = describeNoAccess(groups, provider);
    for (const id of await sessionsAt(session.issuer, { subject: session.subject, sid: null }))
      await end(id, sentence);
    return;
  }
  // Without the scope `profile`, a check has no name.
  const name = nameIn(account);
  const isNamed = !name.startsWith('Account ') && name !== user.name;
  if (isNamed) await renameUser(user.id, name, emailIn(account.claims) ?? user.email);
  await changeProviderSession(session.sessionId, {
    checkedAtMs: nowMs,
    checkAtMs: nowMs + config().oidc.checkMs / 2,
    problem: null,
    failingSinceMs: null,
  });
  if (isNamed || grantsFingerprint(held) !== before) accessChanged();
}

/** The session lives on until its check is overdue. */
async function keepProblem(session: ProviderSession, problem: string, overdue: string): Promise<void> {
  const { checkMs } = config().oidc;
  const nowMs = Date.now();
  const endsAtMs = session.checkedAtMs + checkMs;
  if (nowMs >= endsAtMs) return end(session.sessionId, overdue);
  await changeProviderSession(session.sessionId, {
    problem,
    failingSinceMs: session.failingSinceMs ?? nowMs,
    checkAtMs: Math.min(endsAtMs, nowMs + Math.min(MAX_RETRY_MS, checkMs / 20)),
  });
}

/** Ends a session with a sentence for its person. */
export async function end(sessionId: string, sentence: string): Promise<void> {
  const person = await personOf(sessionId);
  await endProviderSession(sessionId, sentence);
  await revokeSession(sessionId);
  if (person) await noteSignIn(person, { kind: 'session-ended', detail: 'by the provider' });
}
