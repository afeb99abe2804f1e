import 'server-only';
import { connections } from '../connections/registry';
import { database } from '../db/client';
import { namesSandboxIn } from '../db/sandbox-column';
import { SandkeeperError } from '../errors';
import { SandboxId } from '../sandbox/schema';
import { connectionOf, keyOf, type SandboxKey } from '../sandbox-key';
import { readSandbox } from './read-sandbox';
import { fleetWatchers } from './watchers';

/**
 * The sandboxes with this id, in whatever connection they are: those in the fleets, else those that a service finds, else those
 * that have ended. With one connection an id that nobody knows is looked for there, so that its page says so.
 * @throws SandkeeperError `unavailable` if none is known, and a connection that may have it could not be read
 */
export async function findId(id: string): Promise<SandboxKey[]> {
  if (!SandboxId.safeParse(id).success) return [];
  const listed = fleetWatchers().flatMap(([name, watcher]) => {
    const key = keyOf(name, id);
    return watcher.find(key) === undefined ? [] : key;
  });
  if (listed.length > 0) return listed;
  const keys = connections()
    .enabled()
    .map((name) => keyOf(name, id));
  if (keys.length === 1) return keys;
  const readings = await Promise.all(keys.map(async (key) => ({ key, reading: await readSandbox(key) })));
  const keysThatAre = (kind: 'found' | 'unreadable') =>
    readings.flatMap(({ key, reading }) => (reading.kind === kind ? key : []));
  const found = keysThatAre('found');
  const known = found.length > 0 ? found : await findEnded(id);
  const unread = keysThatAre('unreadable').map(connectionOf);
  if (known.length === 0 && unread.length > 0)
    throw new SandkeeperError(
      'unavailable',
      `No other connection has ${id}, and ${unread.join(', ')} could not be read. Try again later.`,
    );
  return known;
}

/** Those that have ended in connections that still exist, so that their pages can say how. */
async function findEnded(id: string): Promise<SandboxKey[]> {
  const db = await database();
  const rows = await db
    .selectFrom('first_starts')
    .select('sandbox_key')
    .where(namesSandboxIn('sandbox_key', id))
    .execute();
  const names = new Set(connections().enabled());
  return rows.flatMap(({ sandbox_key }) => (names.has(connectionOf(sandbox_key)) ? sandbox_key : []));
}
