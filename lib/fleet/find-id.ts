import 'server-only';
import type { Kysely } from 'kysely';
import { connections } from '../connections/registry';
import { database } from '../db/client';
import { namesSandboxIn } from '../db/sandbox-column';
import type { Database } from '../db/schema';
import { SandkeeperError } from '../errors';
import { type Grants, roleOn } from '../grants';
import { SandboxId } from '../sandbox/schema';
import { type ConnectionName, connectionOf, keyOf, SandboxKey } from '../sandbox-key';
import type { IdSearch } from './found-sandbox';
import { readSandbox, type SandboxReading } from './read-sandbox';
import { fleetWatcher } from './watchers';

/** A service that hangs holds up no answer of the others. */
const READ_WITHIN_MS = 5_000;

/**
 * The sandboxes with this id, in whatever connection they are that the person may see: those in the fleets, else those that a service finds, else those
 * that have ended. With one connection an id that nobody knows is looked for there, so that its page says so.
 * @throws SandkeeperError `unavailable` if none is known, and a connection that may have it could not be read
 */
export async function findId(id: string, grants: Grants): Promise<SandboxKey[]> {
  if (!SandboxId.safeParse(id).success) return [];
  const [first, ...others] = namesFor(grants);
  if (first !== undefined && others.length === 0) return [keyOf(first, id)];
  const { found, unasked } = await searchId(id, grants);
  if (found.length === 0 && unasked.length > 0)
    throw new SandkeeperError(
      'unavailable',
      `No other connection has ${id}, and ${unasked.join(', ')} could not be read. Try again later.`,
    );
  return found.map(({ key }) => key);
}

/** Looks for an id in the fleets, else at each service, else among the sandboxes that have ended. */
export async function searchId(id: string, grants: Grants): Promise<IdSearch> {
  if (!SandboxId.safeParse(id).success) return { found: [], unasked: [] };
  const names = namesFor(grants);
  const listed = names.flatMap((name) => {
    const key = keyOf(name, id);
    return fleetWatcher(name).find(key) === undefined ? [] : { key, kind: 'listed' as const };
  });
  if (listed.length > 0) return { found: listed, unasked: [] };
  const readings = await Promise.all(
    names.map(async (name) => ({ name, reading: await readInTime(keyOf(name, id)) })),
  );
  const found = readings.flatMap(({ name, reading }) =>
    reading === 'found' ? { key: keyOf(name, id), kind: 'listed' as const } : [],
  );
  const unasked = readings.flatMap(({ name, reading }) => (reading === 'unreadable' ? name : []));
  if (found.length > 0) return { found, unasked };
  const known = new Set(names);
  const seen = (await findSeen(id)).filter((key) => known.has(connectionOf(key)));
  return {
    found: seen.map((key) => ({ key, kind: unasked.includes(connectionOf(key)) ? 'unread' : 'ended' })),
    unasked,
  };
}

/** The connections in use that the person may see. */
function namesFor(grants: Grants): ConnectionName[] {
  return connections()
    .enabled()
    .filter((name) => roleOn(grants, name) !== null);
}

async function readInTime(key: SandboxKey): Promise<SandboxReading['kind']> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'unreadable'>((resolve) => {
    timer = setTimeout(() => resolve('unreadable'), READ_WITHIN_MS);
  });
  const reading = readSandbox(key).then(({ kind }) => kind);
  return await Promise.race([reading, late]).finally(() => clearTimeout(timer));
}

/** The sandboxes with this id that were seen or operated on. */
async function findSeen(id: string): Promise<SandboxKey[]> {
  const rows = await seenWith(await database(), id).execute();
  return rows.flatMap(({ sandbox_key }) => SandboxKey.safeParse(sandbox_key).data ?? []);
}

export function seenWith(db: Kysely<Database>, id: string) {
  return db
    .selectFrom('first_starts')
    .select('sandbox_key')
    .where(namesSandboxIn('sandbox_key', id))
    .union(db.selectFrom('operation_items').select('sandbox_key').where(namesSandboxIn('sandbox_key', id)));
}
