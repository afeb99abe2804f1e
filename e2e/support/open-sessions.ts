/**
 * Opens sessions and prints their cookies as JSON. Runs beside a server, with its settings. Argument: the people as JSON, each
 * with a name and the roles on connections. Without it, one person for each role on every connection.
 */

import { openSession } from '../../lib/access/sessions';
import { createUser, grantRole } from '../../lib/access/users';
import { EVERYWHERE } from '../../lib/grants';
import { ROLES, type Role } from '../../lib/roles';

type Person = { name: string; on: Record<string, Role> };

const [given] = process.argv.slice(2);
const people: Person[] =
  given === undefined ? ROLES.map((role) => ({ name: role, on: { [EVERYWHERE]: role } })) : JSON.parse(given);
const cookies: Record<string, string> = {};
for (const { name, on } of people) {
  const userId = await createUser({ name });
  for (const [connection, role] of Object.entries(on)) await grantRole(userId, connection, role, 'the tests');
  cookies[name] = await openSession({ userId, method: 'link' });
}
process.stdout.write(JSON.stringify(cookies));
process.exit(0);
