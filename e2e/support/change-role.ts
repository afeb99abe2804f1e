/** Run beside a server, over its data directory: gives the session with this cookie another role, as its owner might. */
import { findSession } from '../../lib/access/sessions';
import { database } from '../../lib/db/client';

const [cookie, role = ''] = process.argv.slice(2);
const session = await findSession(cookie);
if (session === null) throw new Error('There is no such session.');
const db = await database();
await db.updateTable('sessions').set({ role }).where('id', '=', session.id).execute();
process.exit(0);
