/** Run beside a server, over its data directory: opens a session for each role, prints their cookies' values. */
import { ROLES } from '../../lib/access/roles';
import { openSession } from '../../lib/access/sessions';

const cookies: Record<string, string> = {};
for (const role of ROLES) cookies[role] = await openSession({ role, actor: role });
process.stdout.write(JSON.stringify(cookies));
process.exit(0);
