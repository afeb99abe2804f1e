import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import { fromRaw, inBatches, openList, statAt } from './descriptors';
import type { GuestRoot } from './guest-root';
import { codeOf, SafeFsError } from './safe-fs-error';
import { type Branch, visitTree } from './tree';
import { isPublic, withPlace } from './walk';

export type Entry = {
  /** The absolute path as requested, with its links unresolved. */
  readonly path: string;
  /** The result of lstat(2): a link is not followed. */
  readonly stat: Stats;
  /** The final target of a link; null for a broken link and for any other entry. */
  readonly target: { readonly path: string; readonly stat: Stats } | null;
};

/** Limits of one listing, which bound the engine's memory. */
const MAX_ENTRIES = 100_000;
const MAX_PATHS_BYTES = 32 * 1024 * 1024;
/** PATH_MAX of Linux. A deeper entry cannot be addressed. */
const MAX_PATH_LENGTH = 4096;

export function readEntry(root: GuestRoot, path: string): Promise<Entry> {
  return withPlace(root, path, { followLast: false }, async ({ entry, resolvedPath }) => {
    if (!entry) throw new SafeFsError('ENOENT', path);
    return await describe(root, path, resolvedPath, entry.stat);
  });
}

/**
 * Lists the entries below a directory, `depth` levels deep: depth first, each level in byte order. Does not descend
 * into links. Omits entries that are removed during the listing.
 * @throws SafeFsError ENOENT, ENOTDIR, E2BIG for more than 100,000 entries; the errors of `withPlace`
 */
export function listEntries(root: GuestRoot, path: string, depth: number): Promise<Entry[]> {
  return withPlace(root, path, {}, async ({ entry, resolvedPath, isShared }) => {
    if (!entry) throw new SafeFsError('ENOENT', path);
    if (!entry.stat.isDirectory()) throw new SafeFsError('ENOTDIR', path);
    if (isShared && !isPublic(entry.stat)) throw new SafeFsError('EACCES', path);
    const lister = new Lister(root, path, { depth, isShared });
    const top: Node[] = [];
    await visitTree(
      entry.fd,
      { path, resolvedPath, level: 1, into: top },
      { enter: (fd, mark) => lister.enter(fd, mark) },
    );
    return flatten(top);
  });
}

type Node = { readonly entry: Entry; readonly children: Node[] };
type Mark = {
  readonly path: string;
  readonly resolvedPath: string;
  readonly level: number;
  readonly into: Node[];
};

class Lister {
  readonly #root: GuestRoot;
  readonly #path: string;
  readonly #options: { readonly depth: number; readonly isShared: boolean };
  #entriesLeft = MAX_ENTRIES;
  #pathBytesLeft = MAX_PATHS_BYTES;

  constructor(
    root: GuestRoot,
    path: string,
    options: { readonly depth: number; readonly isShared: boolean },
  ) {
    this.#root = root;
    this.#path = path;
    this.#options = options;
  }

  async enter(dirFd: number, mark: Mark): Promise<Branch<Mark>[]> {
    const names = await this.#readNames(dirFd, mark.path);
    const found = new Map<string, Entry>();
    await inBatches(names, async (name) => {
      const entry = await this.#readEntry(dirFd, name, mark);
      if (entry) found.set(name, entry);
    });
    const branches: Branch<Mark>[] = [];
    for (const name of names) {
      const entry = found.get(name);
      if (!entry) continue;
      const node: Node = { entry, children: [] };
      mark.into.push(node);
      if (this.#isEntered(entry, mark)) branches.push({ name, mark: this.#below(mark, node, name) });
    }
    return branches;
  }

  async #readNames(dirFd: number, dirPath: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of await openList(dirFd)) {
      this.#entriesLeft -= 1;
      this.#pathBytesLeft -= dirPath.length + name.length;
      if (this.#entriesLeft < 0 || this.#pathBytesLeft < 0) throw new SafeFsError('E2BIG', this.#path);
      names.push(name);
    }
    // Raw names compare in byte order.
    return names.sort((a, b) => (a < b ? -1 : 1));
  }

  async #readEntry(dirFd: number, name: string, mark: Mark): Promise<Entry | null> {
    try {
      const stat = await statAt(dirFd, name);
      const text = fromRaw(name);
      const path = posix.join(mark.path, text);
      return await describe(this.#root, path, posix.join(mark.resolvedPath, text), stat);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  #isEntered(entry: Entry, mark: Mark): boolean {
    const { depth, isShared } = this.#options;
    if (!entry.stat.isDirectory() || (isShared && !isPublic(entry.stat))) return false;
    return mark.level < depth && entry.path.length < MAX_PATH_LENGTH;
  }

  #below(mark: Mark, node: Node, name: string): Mark {
    const resolvedPath = posix.join(mark.resolvedPath, fromRaw(name));
    return { path: node.entry.path, resolvedPath, level: mark.level + 1, into: node.children };
  }
}

async function describe(root: GuestRoot, path: string, resolvedPath: string, stat: Stats): Promise<Entry> {
  return { path, stat, target: stat.isSymbolicLink() ? await followLink(root, resolvedPath) : null };
}

async function followLink(root: GuestRoot, path: string): Promise<Entry['target']> {
  try {
    return await withPlace(root, path, {}, async ({ entry, resolvedPath }) =>
      entry ? { path: resolvedPath, stat: entry.stat } : null,
    );
  } catch (error) {
    if (error instanceof SafeFsError) return null;
    throw error;
  }
}

function flatten(top: Node[]): Entry[] {
  const entries: Entry[] = [];
  const todo = [...top].reverse();
  for (let node = todo.pop(); node; node = todo.pop()) {
    entries.push(node.entry);
    for (const child of node.children.reverse()) todo.push(child);
  }
  return entries;
}
