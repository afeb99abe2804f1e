import 'server-only';
import { randomBytes } from 'node:crypto';
import { database } from '../db/client';
import { EVERYWHERE, type Grants, joinGrants, parseRole } from '../grants';
import type { Role } from '../roles';
import type { ConnectionName } from '../sandbox-key';
import { groupGrantsOf } from './identities';

/** The person that the sign-in link signs in. */
export const LOCAL_ADMIN = { id: 'local-admin', name: 'Local administrator' } as const;

/** A person. `name` is shown and recorded; only `id` is compared. */
export type User = { id: string; name: string; email: string | null; isDisabled: boolean };

/** Adds a person without grants and returns their id. */
export async function createUser({ name, email = null }: { name: string; email?: string | null }) {
  const db = await database();
  const id = randomBytes(12).toString('base64url');
  await db
    .insertInto('users')
    .values({
      id,
      name,
      email,
      picture: null,
      is_disabled: 0,
      created_at_ms: Date.now(),
      last_seen_at_ms: null,
    })
    .execute();
  return id;
}

export async function findUser(id: string): Promise<User | null> {
  const db = await database();
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  return row
    ? { id: row.id, name: row.name, email: row.email, isDisabled: Number(row.is_disabled) === 1 }
    : null;
}

/** Gives a person a role on a connection, or on all with `*`. Replaces the role they had there. */
export async function grantRole(
  userId: string,
  connection: ConnectionName | typeof EVERYWHERE,
  role: Role,
  by: string,
): Promise<void> {
  const db = await database();
  const values = { role, granted_by: by, granted_at_ms: Date.now() };
  await db
    .insertInto('grants')
    .values({ user_id: userId, connection, ...values })
    .onConflict((conflict) => conflict.columns(['user_id', 'connection']).doUpdateSet(values))
    .execute();
}

/** Name and email as the person's provider has them. */
export async function renameUser(userId: string, name: string, email: string | null): Promise<void> {
  const db = await database();
  await db.updateTable('users').set({ name, email }).where('id', '=', userId).execute();
}

/** Removes a person that nothing refers to yet. */
export async function removeUser(userId: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('users').where('id', '=', userId).execute();
}

/** The roles that were given to the person, joined with those of the person's groups. */
export async function grantsOf(userId: string): Promise<Grants> {
  return joinGrants([await ownGrantsOf(userId), await groupGrantsOf(userId)]);
}

/** The roles that were given to the person. */
export async function ownGrantsOf(userId: string): Promise<Grants> {
  const db = await database();
  const rows = await db
    .selectFrom('grants')
    .select(['connection', 'role'])
    .where('user_id', '=', userId)
    .execute();
  return grantsFrom(rows);
}

/** Grants from rows. Roles that this version does not know grant nothing. */
function grantsFrom(rows: readonly { connection: string; role: string }[]): Grants {
  const on: Record<ConnectionName, Role> = {};
  let everywhere: Role | null = null;
  for (const row of rows) {
    const role = parseRole(row.role);
    if (role === null) continue;
    if (row.connection === EVERYWHERE) everywhere = role;
    else on[row.connection] = role;
  }
  return { everywhere, on };
}
