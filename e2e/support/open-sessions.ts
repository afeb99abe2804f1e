/** Opens a session for each role and prints their cookies as JSON. Runs beside a server, with its settings. */
import { EVERYWHERE } from '../../lib/access/grants';
import { ROLES } from '../../lib/access/roles';
import { openSession } from '../../lib/access/sessions';
import { createUser, grantRole } from '../../lib/access/users';

const cookies: Record<string, string> = {};
for (const role of ROLES) {
  const userId = await createUser({ name: role });
  await grantRole(userId, EVERYWHERE, role, 'the tests');
  cookies[role] = await openSession({ userId, method: 'link' });
}
process.stdout.write(JSON.stringify(cookies));
process.exit(0);
