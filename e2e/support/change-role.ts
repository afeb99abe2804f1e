/** Changes the role of the session with this cookie. Runs beside a server, with its settings. Arguments: cookie, role. */
import { findSession } from '../../lib/access/sessions';
import { database } from '../../lib/db/client';

const [cookie, role = ''] = process.argv.slice(2);
const session = await findSession(cookie);
if (session === null) throw new Error('No session has this cookie.');
const db = await database();
await db.updateTable('sessions').set({ role }).where('id', '=', session.id).execute();
process.exit(0);
