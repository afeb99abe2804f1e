import type { GroupGrant } from '../../declared-providers';

/** What a test of a sign-in found. It has the claims of an account, so only the person who tested may see it. */
export type SignInTest = {
  /** The title of the provider. */
  title: string;
  atMs: number;
  /** The account as it would be known here. `null` if the sign-in failed before. */
  account: { name: string; email: string | null; subject: string } | null;
  /** Why this account could not sign in, with what to do next; `null` if it could. */
  problem: string | null;
  claims: { name: string; value: string }[];
  groupsClaim: string;
  /** The groups in the claims, each with the roles that the configuration gives it. */
  groups: { name: string; grants: Pick<GroupGrant, 'role' | 'on'>[] }[];
  /** How many groups there are besides those in `groups`. */
  moreGroups: number;
  /** What Sandkeeper can do at the provider after the sign-in. */
  abilities: { name: string; text: string; isMissing: boolean }[];
};
