import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The uid range of sandboxes if the engine is root. */
const FIRST_ID = 200_000;
const ID_COUNT = 400_000;

export type HostIds = { readonly uid: number; readonly gid: number };

const pools = new Map<string, { used: Set<number>; last: number }>();

/**
 * Allocates host ids for a new sandbox. If the engine is root, every sandbox gets its own ids, so that a process that
 * escapes one sandbox cannot access another. Otherwise all use the engine's ids. The owner of a sandbox's directory is
 * the only record of its ids.
 * @param guestsDir absolute path of the directory that holds all sandboxes
 */
export function takeHostIds(guestsDir: string): HostIds {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const range = own.uid === 0 ? findRange() : null;
  if (!range) return own;
  let pool = pools.get(guestsDir);
  if (!pool) {
    const used = readUsedIds(guestsDir);
    pool = { used, last: Math.max(range.first - 1, ...used) };
    pools.set(guestsDir, pool);
  }
  for (let tries = 0; tries < range.count; tries += 1) {
    const candidate = range.first + ((pool.last + 1 + tries - range.first) % range.count);
    if (pool.used.has(candidate)) continue;
    pool.used.add(candidate);
    pool.last = candidate;
    return { uid: candidate, gid: candidate };
  }
  throw new Error('No user id is left for another sandbox. Kill a sandbox and try again.');
}

/**
 * The host ids of `root` inside a sandbox, which differ from those of every sandbox's user.
 * @returns null if the engine may not map a second user
 */
export function rootIdsOf({ uid }: HostIds): HostIds | null {
  const range = process.getuid?.() === 0 ? findRange() : null;
  if (!range || uid < range.first || uid >= range.first + range.count) return null;
  const id = uid + range.count;
  return id < range.highest ? { uid: id, gid: id } : null;
}

/** Releases an id. Call this only when nothing of its sandbox is left. */
export function releaseHostIds(guestsDir: string, uid: number): void {
  pools.get(guestsDir)?.used.delete(uid);
}

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

/** The usable uid range, which may be small in a container. Null if it is too small. */
function findRange(): { first: number; count: number; highest: number } | null {
  let highest = 0;
  for (const line of readFileSync('/proc/self/uid_map', 'utf8').split('\n')) {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);
    if (inside !== undefined && count !== undefined) highest = Math.max(highest, inside + count);
  }
  if (highest >= FIRST_ID + ID_COUNT) return { first: FIRST_ID, count: ID_COUNT, highest };
  return highest >= 60_000 ? { first: 20_000, count: 30_000, highest } : null;
}
