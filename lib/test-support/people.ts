import type { Caller } from '../access/guard';
import { openSession } from '../access/sessions';
import { createUser, grantRole } from '../access/users';
import { EVERYWHERE, type Grants } from '../grants';
import type { Role } from '../roles';

/** The grants of an admin of everything. */
export const ALL: Grants = { everywhere: 'admin', on: {} };

/** A person with a role on every connection, and a session that is in no database. */
export function someone(actor: string, role: Role = 'admin'): Caller {
  const grants = { everywhere: role, on: {} };
  return { id: `session-of-${actor}`, userId: `user-${actor}`, actor, grants, role, expiresAtMs: 0 };
}

/** Opens a session of a new person with a role on every connection, and returns its cookie. */
export async function signInAs(role: Role, name: string = role): Promise<string> {
  const userId = await createUser({ name });
  await grantRole(userId, EVERYWHERE, role, 'a test');
  return openSession({ userId, method: 'link' });
}
