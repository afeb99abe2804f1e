/** Opens a session for each role and prints their cookies as JSON. Runs beside a server, with its settings. */
import { ROLES } from '../../lib/access/roles';
import { openSession } from '../../lib/access/sessions';

const cookies: Record<string, string> = {};
for (const role of ROLES) cookies[role] = await openSession({ role, actor: role });
process.stdout.write(JSON.stringify(cookies));
process.exit(0);
