/** Makes the check of every membership due. Runs beside a server, with its settings. */
import { database } from '../../lib/db/client';

const db = await database();
await db.updateTable('provider_sessions').set({ check_at_ms: 0 }).execute();
process.exit(0);
