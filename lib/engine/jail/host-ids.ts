import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** First of the numbers given to sandboxes where the engine is root; how many there are. */
const FIRST_ID = 200_000;
const ID_COUNT = 400_000;

/** Host ids that own a sandbox's files and run its processes. */
export type HostIds = { readonly uid: number; readonly gid: number };

const taken = new Map<string, { used: Set<number>; last: number }>();

/**
 * Host ids for a sandbox that has no directory yet. As root every sandbox gets its own pair, so that what escapes one
 * sandbox still cannot touch another; otherwise all run as the engine's own user. Nothing is written down: the owner
 * of the directory is the record.
 * @param guestsDir absolute path of the directory that holds all sandboxes
 */
export function takeHostIds(guestsDir: string): HostIds {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const range = own.uid === 0 ? findRange() : null;
  if (!range) return own;
  let pool = taken.get(guestsDir);
  if (!pool) {
    const used = readUsedIds(guestsDir);
    pool = { used, last: Math.max(range.first - 1, ...used) };
    taken.set(guestsDir, pool);
  }
  for (let tries = 0; tries < range.count; tries += 1) {
    const candidate = range.first + ((pool.last + 1 + tries - range.first) % range.count);
    if (pool.used.has(candidate)) continue;
    pool.used.add(candidate);
    pool.last = candidate;
    return { uid: candidate, gid: candidate };
  }
  throw new Error('There is no free user number left for another sandbox.');
}

/** Gives a number back once nothing of its sandbox is left. */
export function releaseHostIds(guestsDir: string, uid: number): void {
  taken.get(guestsDir)?.used.delete(uid);
}

/** Host ids of an existing sandbox root, or null where there is none. */
export function readHostIds(rootDir: string): HostIds | null {
  const stat = lstatSync(rootDir, { throwIfNoEntry: false });
  return stat?.isDirectory() ? { uid: stat.uid, gid: stat.gid } : null;
}

function readUsedIds(guestsDir: string): Set<number> {
  const used = new Set<number>();
  for (const name of readdirSync(guestsDir)) {
    const ids = readHostIds(join(guestsDir, name, 'root'));
    if (ids && ids.uid !== 0) used.add(ids.uid);
  }
  return used;
}

/** The numbers this machine lets us use: inside a container only some may exist. Null where there are too few. */
function findRange(): { first: number; count: number } | null {
  let highest = 0;
  for (const line of readFileSync('/proc/self/uid_map', 'utf8').split('\n')) {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);
    if (inside !== undefined && count !== undefined) highest = Math.max(highest, inside + count);
  }
  if (highest >= FIRST_ID + ID_COUNT) return { first: FIRST_ID, count: ID_COUNT };
  return highest >= 60_000 ? { first: 20_000, count: 30_000 } : null;
}
