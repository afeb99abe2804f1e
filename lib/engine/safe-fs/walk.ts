import type { Stats } from 'node:fs';
import {
  close,
  fromRaw,
  makeDirectoryAt,
  openDirectoryAt,
  openEntryAt,
  openTop,
  readLinkAt,
  setMode,
  setOwner,
  statOf,
  toRaw,
} from './descriptors';
import type { GuestRoot } from './guest-root';
import { aboutPath, codeOf, SafeFsError } from './safe-fs-error';

/** As Linux has them. */
const LINK_LIMIT = 40;
const PATH_LIMIT_BYTES = 4096;
/** Each open directory on the way holds a descriptor. */
const DEPTH_LIMIT = 256;

type Tree = Pick<GuestRoot, 'rootDir' | 'uid' | 'gid' | 'sharedDirs'>;

export type WalkOptions = {
  /** Whether a link at the very end is followed. Links on the way always are. Default: true. */
  readonly followLast?: boolean;
  /**
   * What is made where it is missing: directories on the way to the last name, or the last one too. They get mode
   * 0755 and the sandbox's owner. Default: nothing.
   */
  readonly create?: 'parents' | 'directories';
};

/** The place that a path leads to. Descriptors in it are open while the callback runs. */
export type Place = {
  /** Where the last name lies; null for the root itself. */
  readonly parent: { readonly fd: number; readonly name: string } | null;
  /** What is there now, pinned; null: nothing. A link only when `followLast` is false. */
  readonly entry: { readonly fd: number; readonly stat: Stats } | null;
  /** Absolute, without links, as the sandbox would see it. */
  readonly resolvedPath: string;
  /** Whether it is a shared directory of the host or lies in one: nothing may be changed there. */
  readonly isShared: boolean;
};

/** @throws SafeFsError EROFS for a place that the sandbox shares with the host */
export function requireOwn(place: Place, path: string): void {
  if (place.isShared) throw new SafeFsError('EROFS', path);
}

/**
 * Whether everybody may read something. The engine may be root, a sandbox is nobody on the host: of shared directories
 * it sees what anybody would.
 */
export function isPublic(stat: Stats): boolean {
  const needed = stat.isDirectory() ? 0o005 : 0o004;
  return stat.isSymbolicLink() || (stat.mode & needed) === needed;
}

/**
 * Walks to `path` as a process confined to the root would, and runs `use` there.
 *
 * Every step opens one component, without following, on a directory that is pinned already, and decides by what it has
 * opened. Links are read and interpreted against the sandbox's root, and `..` goes back on our own stack, so there is
 * no moment at which a sandbox could swap a name and lead out of its root.
 *
 * @throws SafeFsError ENOENT when a component on the way is missing, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL.
 */
export function withPlace<T>(
  tree: Tree,
  path: string,
  options: WalkOptions,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  return aboutPath(path, async () => {
    const walk = new Walk(tree, path, options);
    try {
      return await use(await walk.run());
    } finally {
      walk.close();
    }
  });
}

class Walk {
  readonly #tree: Tree;
  readonly #path: string;
  readonly #options: WalkOptions;
  /** Pinned directories from the root to where the walk is. */
  readonly #stack: { fd: number; name: string }[] = [];
  /** Components still to go, the next one last. */
  readonly #todo: string[] = [];
  #entryFd: number | null = null;
  #linksLeft = LINK_LIMIT;
  #needsDirectory = false;

  constructor(tree: Tree, path: string, options: WalkOptions) {
    this.#tree = tree;
    this.#path = path;
    this.#options = options;
  }

  async run(): Promise<Place> {
    this.#plan(toRaw(this.#path));
    this.#stack.push({ fd: await openTop(this.#tree.rootDir), name: '' });
    for (;;) {
      const name = this.#todo.pop();
      if (name === undefined) return await this.#arriveAtDirectory();
      if (name === '..') this.#leave();
      else if (this.#todo.length > 0 || this.#sharedPath(name) !== undefined) await this.#enter(name);
      else {
        const place = await this.#arriveAt(name);
        if (place) return place;
      }
    }
  }

  close(): void {
    for (const { fd } of this.#stack.splice(0)) close(fd);
    if (this.#entryFd !== null) close(this.#entryFd);
    this.#entryFd = null;
  }

  /** Puts a path before what is still to go. */
  #plan(raw: string): void {
    if (raw.includes('\0')) throw new SafeFsError('EINVAL', this.#path.replaceAll('\0', '\u{FFFD}'));
    if (raw.length >= PATH_LIMIT_BYTES) throw new SafeFsError('ENAMETOOLONG', `${this.#path.slice(0, 64)}…`);
    if (this.#todo.length === 0 && /\/\.?$/.test(raw)) this.#needsDirectory = true;
    const names = raw.split('/').filter((name) => name !== '' && name !== '.');
    this.#todo.push(...names.reverse());
  }

  get #here(): { fd: number; name: string } {
    const here = this.#stack.at(-1);
    if (!here) throw new Error('a walk has left its root');
    return here;
  }

  #leave(): void {
    if (this.#stack.length === 1) return;
    const left = this.#stack.pop();
    if (left) close(left.fd);
  }

  /** Steps into a directory on the way, or takes the detour that a link demands. */
  async #enter(name: string): Promise<void> {
    if (this.#stack.length >= DEPTH_LIMIT) throw new SafeFsError('ENAMETOOLONG', this.#path);
    const { fd } = this.#here;
    try {
      const hostPath = this.#sharedPath(name);
      await this.#push(await (hostPath === undefined ? openDirectoryAt(fd, name) : openTop(hostPath)), name);
    } catch (error) {
      const isMissing = codeOf(error) === 'ENOENT';
      if (isMissing && this.#options.create) await this.#make(name);
      else if (codeOf(error) === 'ENOTDIR') await this.#detour(name);
      else throw error;
    }
  }

  async #push(fd: number, name: string): Promise<void> {
    this.#stack.push({ fd, name });
    if (this.#isShared && !isPublic(await statOf(fd))) throw new SafeFsError('EACCES', this.#path);
  }

  /** Where a directory of the host lies that has this name here; undefined: there is none. */
  #sharedPath(name: string): string | undefined {
    const { sharedDirs } = this.#tree;
    const isHere = this.#stack.length === 1 && sharedDirs !== undefined && Object.hasOwn(sharedDirs, name);
    return isHere ? sharedDirs[name] : undefined;
  }

  get #isShared(): boolean {
    const top = this.#stack[1]?.name;
    return top !== undefined && Object.hasOwn(this.#tree.sharedDirs ?? {}, top);
  }

  /** Makes a directory and steps into it. */
  async #make(name: string): Promise<void> {
    if (this.#isShared) throw new SafeFsError('EROFS', this.#path);
    const { fd } = this.#here;
    try {
      await makeDirectoryAt(fd, name, 0o755);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      // Somebody was faster. It may be anything, so it is looked at like everything else.
      this.#spendLink();
      this.#todo.push(name);
      return;
    }
    const madeFd = await openDirectoryAt(fd, name);
    this.#stack.push({ fd: madeFd, name });
    // The umask of the engine is not the sandbox's.
    await setMode(madeFd, 0o755);
    await setOwner(madeFd, this.#tree);
  }

  /** Goes where a link points to. What is no link (any more) is ENOTDIR on the way, or looked at once again. */
  async #detour(name: string): Promise<void> {
    this.#spendLink();
    let target: string;
    try {
      target = await readLinkAt(this.#here.fd, name);
    } catch (error) {
      if (codeOf(error) === 'EINVAL') throw new SafeFsError('ENOTDIR', this.#path);
      throw error;
    }
    this.#plan(target);
    if (target.startsWith('/')) while (this.#stack.length > 1) this.#leave();
  }

  #spendLink(): void {
    this.#linksLeft -= 1;
    if (this.#linksLeft < 0) throw new SafeFsError('ELOOP', this.#path);
  }

  /** The last component; null: it was a link, and the walk goes on. */
  async #arriveAt(name: string): Promise<Place | null> {
    const { fd } = this.#here;
    try {
      this.#entryFd = await openEntryAt(fd, name);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      return await this.#arriveAtNothing(name);
    }
    const stat = await statOf(this.#entryFd);
    if (stat.isSymbolicLink() && ((this.#options.followLast ?? true) || this.#needsDirectory)) {
      this.#closeEntry();
      await this.#detourAtEnd(name);
      return null;
    }
    if (!stat.isDirectory()) {
      const isWrong = this.#needsDirectory || this.#options.create === 'directories';
      if (isWrong) throw new SafeFsError('ENOTDIR', this.#path);
    }
    return this.#place({ fd, name }, { fd: this.#entryFd, stat });
  }

  async #arriveAtNothing(name: string): Promise<Place | null> {
    if (this.#options.create === 'directories') {
      await this.#make(name);
      return null;
    }
    return this.#place({ fd: this.#here.fd, name }, null);
  }

  async #detourAtEnd(name: string): Promise<void> {
    try {
      await this.#detour(name);
    } catch (error) {
      if (codeOf(error) !== 'ENOTDIR' && codeOf(error) !== 'ENOENT') throw error;
      // It was a link a moment ago and is something else now: look again, which `spendLink` bounds.
      this.#todo.push(name);
    }
  }

  /** The path ended in `/`, `.` or `..`: the place is the directory that the walk stands in. */
  async #arriveAtDirectory(): Promise<Place> {
    const here = this.#here;
    const stat = await statOf(here.fd);
    const above = this.#stack.at(-2);
    return {
      parent: above ? { fd: above.fd, name: here.name } : null,
      entry: { fd: here.fd, stat },
      resolvedPath: this.#resolve([]),
      isShared: this.#isShared,
    };
  }

  #place(parent: { fd: number; name: string }, entry: Place['entry']): Place {
    return { parent, entry, resolvedPath: this.#resolve([parent.name]), isShared: this.#isShared };
  }

  #resolve(rest: string[]): string {
    const names = [...this.#stack.slice(1).map(({ name }) => name), ...rest];
    return fromRaw(`/${names.join('/')}`);
  }

  #closeEntry(): void {
    if (this.#entryFd !== null) close(this.#entryFd);
    this.#entryFd = null;
  }
}
