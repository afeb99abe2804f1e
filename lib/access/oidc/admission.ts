import 'server-only';
import type { DeclaredProvider } from '../../declared-providers';
import { SandkeeperError } from '../../errors';
import { ANYWHERE, joinGrants, NO_GRANTS, roleIn } from '../../grants';
import { addIdentity, findIdentity, setGroups } from '../identities';
import { createUser, findUser, ownGrantsOf, removeUser, renameUser } from '../users';
import { describeNoAccess, grantsOfGroups, groupsIn } from './groups';
import type { Account } from './provider';

const MAX_NAME_CHARS = 100;
const MAX_EMAIL_CHARS = 254;

/**
 * The id of the person whose account it is, created at the first sign-in, with the account's groups kept. Throws `forbidden`,
 * in words for the person, if the account gives no access. Nothing is kept of such an account.
 */
export async function admit(provider: DeclaredProvider, account: Account): Promise<string> {
  const identity = await findIdentity(account);
  const user = identity && (await findUser(identity.userId));
  if (user?.isDisabled)
    throw new SandkeeperError(
      'forbidden',
      'This account is disabled in Sandkeeper. Ask an admin to enable it again.',
    );
  const groups = groupsIn(account.claims, provider);
  const names = groups.known ? groups.names : [];
  const own = user ? await ownGrantsOf(user.id) : NO_GRANTS;
  const held = joinGrants([own, grantsOfGroups(names, provider.grants)]);
  if (roleIn(held, ANYWHERE) === null)
    throw new SandkeeperError('forbidden', describeNoAccess(groups, provider));
  const userId = user?.id ?? (await createPerson(account));
  await renameUser(userId, nameIn(account), emailIn(account.claims));
  await setGroups(account, names, Date.now());
  return userId;
}

async function createPerson(account: Account): Promise<string> {
  const created = await createUser({ name: nameIn(account), email: emailIn(account.claims) });
  const userId = await addIdentity(account, created);
  if (userId !== created) await removeUser(created);
  return userId;
}

/** The name of an account as people see it. */
export function nameIn({ claims, subject }: Pick<Account, 'claims' | 'subject'>): string {
  const parts = [claims.given_name, claims.family_name].map(textIn).filter(Boolean).join(' ');
  const candidates = [textIn(claims.name), parts, textIn(claims.preferred_username), textIn(claims.email)];
  return candidates.find((name) => name !== '') || `Account ${textIn(subject)}`.slice(0, MAX_NAME_CHARS);
}

/** `null` unless it looks like an address that the provider does not doubt. */
export function emailIn({ email, email_verified }: Account['claims']): string | null {
  if (typeof email !== 'string' || email_verified === false || email.length > MAX_EMAIL_CHARS) return null;
  return /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email) ? email : null;
}

/** Text of a claim on one line, cut. */
function textIn(claim: unknown): string {
  if (typeof claim !== 'string') return '';
  const line = claim
    .slice(0, 10 * MAX_NAME_CHARS)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return [...line].slice(0, MAX_NAME_CHARS).join('').trim();
}
