import 'server-only';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { config } from '../../config';
import { database } from '../../db/client';
import type { DeclaredProvider } from '../../declared-providers';
import { ANYWHERE, roleIn } from '../../grants';
import { emailIn, nameIn } from './admission';
import { describeNoAccess, grantsOfGroups, groupsIn } from './groups';
import {
  type Attempt,
  backChannelUri,
  discover,
  finishAttempt,
  ProviderError,
  type SignedIn,
} from './provider';
import { openJson, sealJson } from './sealed';
import type { SignInTest } from './sign-in-test-result';

const PURPOSE = 'sign-in test';
const KEEP_MS = 10 * 60 * 1000;
const MAX_CLAIMS = 100;
const MAX_VALUE_CHARS = 400;
const MAX_GROUPS = 200;

/** Finishes a sign-in at the provider without signing anybody in, and reports what it found. */
export async function testSignIn(
  provider: DeclaredProvider,
  attempt: Attempt,
  query: URLSearchParams,
): Promise<SignInTest> {
  const { title, groupsClaim } = provider;
  const empty = {
    title,
    atMs: Date.now(),
    account: null,
    claims: [],
    groupsClaim,
    groups: [],
    moreGroups: 0,
  };
  try {
    const signedIn = await finishAttempt(provider, attempt, query);
    return { ...empty, ...(await describeAccount(provider, signedIn)) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { ...empty, problem: error.failure.message, abilities: [] };
  }
}

async function describeAccount(provider: DeclaredProvider, { account, tokens }: SignedIn) {
  const { claims, subject } = account;
  const groups = groupsIn(claims, provider);
  const names = groups.known ? groups.names : [];
  const hasAccess = roleIn(grantsOfGroups(names, provider.grants), ANYWHERE) !== null;
  // Those that give access first.
  const described = names
    .map((name) => ({ name, grants: provider.grants.filter(({ group }) => group === name) }))
    .map(({ name, grants }) => ({ name, grants: grants.map(({ role, on }) => ({ role, on })) }))
    .sort((one, other) => Number(other.grants.length > 0) - Number(one.grants.length > 0));
  const metadata = (await discover(provider)).serverMetadata();
  return {
    account: { name: nameIn(account), email: emailIn(claims), subject },
    problem: hasAccess ? null : describeNoAccess(groups, provider),
    claims: Object.entries(claims).slice(0, MAX_CLAIMS).map(describeClaim),
    groups: described.slice(0, MAX_GROUPS),
    moreGroups: Math.max(0, described.length - MAX_GROUPS),
    abilities: [
      describeChecks(tokens.refreshToken !== null, Boolean(metadata.userinfo_endpoint)),
      {
        name: 'Sign-out at the provider',
        text: metadata.end_session_endpoint
          ? 'Offered'
          : 'Not offered: signing out here leaves its session open.',
        isMissing: !metadata.end_session_endpoint,
      },
      {
        name: 'Sign-out by the provider',
        text: metadata.backchannel_logout_supported
          ? `Offered, if it has the address ${backChannelUri(provider)}`
          : 'Not offered: a session here ends at its next check.',
        isMissing: !metadata.backchannel_logout_supported,
      },
      {
        name: 'Clock',
        text: describeClock(claims.iat),
        isMissing: false,
      },
    ],
  };
}

function describeChecks(hasRefreshToken: boolean, hasUserinfo: boolean) {
  const name = 'Check of the groups';
  if (hasRefreshToken) return { name, text: 'With a refresh token', isMissing: false };
  if (hasUserinfo)
    return {
      name,
      text: 'By userinfo, until the access token expires. Then people sign in again.',
      isMissing: true,
    };
  return { name, text: 'Not possible: people sign in again after each check is due.', isMissing: true };
}

function describeClock(issuedAt: unknown): string {
  if (typeof issuedAt !== 'number') return 'Not known';
  const ahead = Math.round(issuedAt - Date.now() / 1_000);
  const allowed = `${config().oidc.clockToleranceSeconds} s are allowed`;
  if (Math.abs(ahead) <= 2) return `In step; ${allowed}`;
  return `The provider is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}; ${allowed}`;
}

function describeClaim([name, value]: [string, unknown]) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const isCut = text.length > MAX_VALUE_CHARS;
  return { name: name.slice(0, 200), value: isCut ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text };
}

/** Keeps a result for the page that shows it, and returns its id. */
export async function keepTest(userId: string, test: SignInTest): Promise<string> {
  const db = await database();
  const id = randomBytes(18).toString('base64url');
  await db
    .deleteFrom('sign_in_tests')
    .where('at_ms', '<', Date.now() - KEEP_MS)
    .execute();
  await db
    .insertInto('sign_in_tests')
    .values({ id, user_id: userId, sealed_result: sealJson(PURPOSE, test), at_ms: test.atMs })
    .execute();
  return id;
}

/** The result of a test of this person, or `null` if it is gone or somebody else's. */
export async function findTest(userId: string, id: string): Promise<SignInTest | null> {
  const db = await database();
  const row = await db
    .selectFrom('sign_in_tests')
    .select('sealed_result')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('at_ms', '>=', Date.now() - KEEP_MS)
    .executeTakeFirst();
  return openJson(PURPOSE, z.custom<SignInTest>(), row?.sealed_result);
}
