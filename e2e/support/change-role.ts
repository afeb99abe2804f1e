/** Gives the person of the session with this cookie another role. Runs beside a server, with its settings. Arguments: cookie, role. */

import { findSession } from '../../lib/access/sessions';
import { grantRole } from '../../lib/access/users';
import { EVERYWHERE } from '../../lib/grants';
import { ROLES } from '../../lib/roles';

const [cookie, wanted] = process.argv.slice(2);
const session = await findSession(cookie);
const role = ROLES.find((known) => known === wanted);
if (session === null || role === undefined) throw new Error('No session has this cookie, or no such role.');
await grantRole(session.userId, EVERYWHERE, role, 'the tests');
process.exit(0);
