import 'server-only';
import { connections } from '../connections/registry';
import { database } from '../db/client';
import { namesSandboxIn } from '../db/sandbox-column';
import { SandboxId } from '../sandbox/schema';
import { keyOf, type SandboxKey } from '../sandbox-key';
import { readSandbox } from './read-sandbox';
import { fleetWatchers } from './watchers';

/**
 * The sandboxes with this id, in whatever connection they are: those in the fleets, else those that a service finds, else those
 * that have ended. With one connection an id that nobody knows is looked for there, so that its page says so.
 */
export async function findId(id: string): Promise<SandboxKey[]> {
  if (!SandboxId.safeParse(id).success) return [];
  const names = connections().enabled();
  const listed = fleetWatchers().flatMap(([name, watcher]) => {
    const key = keyOf(name, id);
    return watcher.find(key) === undefined ? [] : key;
  });
  if (listed.length > 0) return listed;
  const keys = names.map((name) => keyOf(name, id));
  if (keys.length === 1) return keys;
  const readings = await Promise.all(keys.map(async (key) => ({ key, reading: await readSandbox(key) })));
  const found = readings.flatMap(({ key, reading }) => (reading.kind === 'found' ? key : []));
  return found.length > 0 ? found : findEnded(id);
}

async function findEnded(id: string): Promise<SandboxKey[]> {
  const db = await database();
  const rows = await db
    .selectFrom('first_starts')
    .select('sandbox_key')
    .where(namesSandboxIn('sandbox_key', id))
    .execute();
  return rows.map(({ sandbox_key }) => sandbox_key);
}
