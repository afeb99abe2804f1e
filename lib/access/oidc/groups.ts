import type { GroupGrant } from '../../declared-providers';
import { EVERYWHERE, type Grants, joinGrants } from '../../grants';
import { visibleText } from '../../visible-text';

/** The part of a provider that decides about groups. */
export type GroupRules = { title: string; groupsClaim: string; grants: readonly GroupGrant[] };

/** The groups in the claims of an account, or a sentence that says why they are unknown. */
export type Groups = { known: true; names: string[] } | { known: false; problem: string };

type Claims = Readonly<Record<string, unknown>>;

const MAX_GROUPS = 2_000;
const MAX_GROUP_CHARS = 512;
const MAX_SHOWN_GROUPS = 8;
const MAX_SHOWN_CHARS = 48;

/** The value of a claim: a property of that name, or the end of a path such as `realm_access.roles`. */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Claims)[step];
  }
  return value;
}

/** Whether the provider left the groups out of the claims because they are too many. */
export function isTruncated(claims: Claims, groupsClaim: string): boolean {
  const elsewhere = claims._claim_names;
  const isElsewhere =
    typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, groupsClaim);
  return isElsewhere || (groupsClaim === 'groups' && claims.hasgroups !== undefined);
}

/** Reads the groups of an account. Whatever is not a plain list of names is a problem, never an empty list. */
export function groupsIn(claims: Claims, { title, groupsClaim }: Omit<GroupRules, 'grants'>): Groups {
  const problem = (sentence: string): Groups => ({ known: false, problem: sentence });
  const claim = quoted(groupsClaim);
  if (isTruncated(claims, groupsClaim)) {
    return problem(
      `Your account has so many groups that ${title} left them out of its answer. Ask an admin to have ${title} send only the groups that Sandkeeper uses, or to use app roles.`,
    );
  }
  const value = claimAt(claims, groupsClaim);
  if (value === undefined || value === null) {
    return problem(
      `${title} did not tell Sandkeeper your groups: its answer has no claim ${claim}. Ask an admin to add it there.`,
    );
  }
  const names = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(names) || !names.every(isName)) {
    return problem(
      `The claim ${claim} from ${title} is not a list of group names. Ask an admin to correct it there.`,
    );
  }
  if (names.length > MAX_GROUPS) {
    return problem(
      `The claim ${claim} from ${title} has ${names.length.toLocaleString('en')} groups, and Sandkeeper reads at most ${MAX_GROUPS.toLocaleString('en')}. Ask an admin to have ${title} send only the groups that Sandkeeper uses.`,
    );
  }
  // An address that the provider has not checked could be anybody's.
  if (groupsClaim === 'email' && claims.email_verified !== true) {
    return problem(`${title} has not verified your email address. Verify it there, then sign in again.`);
  }
  return { known: true, names: [...new Set(names)] };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_GROUP_CHARS;
}

/** The grants that groups give. */
export function grantsOfGroups(names: readonly string[], grants: readonly GroupGrant[]): Grants {
  const held = new Set(names);
  return joinGrants(
    grants
      .filter(({ group }) => held.has(group))
      .flatMap(({ role, on }) =>
        on.map(
          (connection): Grants =>
            connection === EVERYWHERE
              ? { everywhere: role, on: {} }
              : { everywhere: null, on: { [connection]: role } },
        ),
      ),
  );
}

/** Why an account has no access, as a sentence with what to do next. */
export function describeNoAccess(groups: Groups, { title, grants }: Omit<GroupRules, 'groupsClaim'>): string {
  if (!groups.known) return groups.problem;
  const wanted = listed([...new Set(grants.map(({ group }) => group))]);
  const held = groups.names.length === 0 ? 'it is in no group' : `it has: ${listed(groups.names)}`;
  return `Your account has none of the groups ${wanted} that give access to Sandkeeper; ${held}. Ask an admin to add you to one of them in ${title}, then sign in again.`;
}

/** A few names, quoted, cut and without misleading characters. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN_GROUPS).map(quoted).join(', ');
  const more = names.length - MAX_SHOWN_GROUPS;
  return more > 0 ? `${shown} and ${more.toLocaleString('en')} more` : shown;
}

/** Text of a provider within a sentence: quoted, cut, and with visible signs for misleading characters. */
export function quoted(text: string): string {
  const characters = [...visibleText(text.slice(0, 4 * MAX_SHOWN_CHARS))];
  const isCut = characters.length > MAX_SHOWN_CHARS;
  return `“${isCut ? `${characters.slice(0, MAX_SHOWN_CHARS - 1).join('')}…` : characters.join('')}”`;
}
