import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LiveEntry } from '../envd/live-files';

/** Bounds the answer, which the engine holds in memory. */
const MAX_ENTRIES = 20_000;

export type Inspection = { readonly entries: readonly LiveEntry[] } | { readonly error: string };

/**
 * Describes an entry, or the entries below a directory, as a process inside the sandbox sees them.
 * @param depth levels below the directory; 0 for the entry itself
 */
export function inspect(path: string, depth: number): Inspection {
  try {
    if (depth === 0) return { entries: [describe(path, lstatSync(path))] };
    const entries: LiveEntry[] = [];
    list(path, depth, entries);
    return { entries };
  } catch (error) {
    return { error: error instanceof Error && 'code' in error ? String(error.code) : 'EIO' };
  }
}

function list(directory: string, depth: number, entries: LiveEntry[]): void {
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    if (entries.length >= MAX_ENTRIES) throw Object.assign(new Error('too many entries'), { code: 'E2BIG' });
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    entries.push(describe(path, stat));
    if (depth > 1 && stat.isDirectory()) listBelow(path, depth - 1, entries);
  }
}

/** Processes end, and some of their directories are closed to others. */
function listBelow(directory: string, depth: number, entries: LiveEntry[]): void {
  try {
    list(directory, depth, entries);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'E2BIG') throw error;
  }
}

function describe(path: string, stat: Stats): LiveEntry {
  const { mode, size, uid, gid, mtimeMs } = stat;
  return { path, mode, size, uid, gid, mtimeMs, target: stat.isSymbolicLink() ? follow(path) : null };
}

function follow(path: string): LiveEntry['target'] {
  try {
    return { path: realpathSync(path), mode: statSync(path).mode };
  } catch {
    return null;
  }
}
