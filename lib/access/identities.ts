import 'server-only';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { config } from '../config';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import { type Grants, joinGrants, NO_GRANTS } from '../grants';
import { grantsOfGroups } from './oidc/groups';

/** An account of a person at an OpenID Connect provider. It is found by issuer and subject, never by email. */
export type Identity = {
  issuer: string;
  subject: string;
  userId: string;
  groups: string[];
  checkedAtMs: number;
};
type IdentityKey = Pick<Identity, 'issuer' | 'subject'>;

const GroupNames = z.array(z.string());

export async function findIdentity({ issuer, subject }: IdentityKey): Promise<Identity | null> {
  const db = await database();
  const row = await db
    .selectFrom('identities')
    .selectAll()
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row ? identityOf(row) : null;
}

/** Adds an identity of a person. Returns whose it is: somebody else's if two first sign-ins happen at once. */
export async function addIdentity({ issuer, subject }: IdentityKey, userId: string): Promise<string> {
  const db = await database();
  await db
    .insertInto('identities')
    .values({ issuer, subject, user_id: userId, groups: '[]', checked_at_ms: 0, created_at_ms: Date.now() })
    .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
    .execute();
  return (await findIdentity({ issuer, subject }))?.userId ?? userId;
}

/** Keeps the groups that a check found. */
export async function setGroups(
  { issuer, subject }: IdentityKey,
  groups: readonly string[],
  checkedAtMs: number,
): Promise<void> {
  const db = await database();
  await db
    .updateTable('identities')
    .set({ groups: JSON.stringify(groups), checked_at_ms: checkedAtMs })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .execute();
}

/** The grants of the groups that the last check found, as long as that check counts. */
export async function groupGrantsOf(userId: string): Promise<Grants> {
  const { providers, checkMs } = config().oidc;
  if (providers.length === 0) return NO_GRANTS;
  const db = await database();
  const rows = await db
    .selectFrom('identities')
    .selectAll()
    .where('user_id', '=', userId)
    .where('checked_at_ms', '>', Date.now() - checkMs)
    .execute();
  return joinGrants(
    rows.map(identityOf).map(({ issuer, groups }) => {
      const provider = providers.find((each) => each.issuer === issuer);
      return provider ? grantsOfGroups(groups, provider.grants) : NO_GRANTS;
    }),
  );
}

function identityOf(row: Selectable<Database['identities']>): Identity {
  return {
    issuer: row.issuer,
    subject: row.subject,
    userId: row.user_id,
    groups: GroupNames.catch([]).parse(JSON.parse(row.groups)),
    checkedAtMs: Number(row.checked_at_ms),
  };
}
