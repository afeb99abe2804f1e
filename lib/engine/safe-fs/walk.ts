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
import { codeOf, LiveMountError, SafeFsError, withErrorPath } from './safe-fs-error';

/** The limits of Linux. */
const MAX_LINKS = 40;
const MAX_PATH_BYTES = 4096;
/** Every directory along the path holds a descriptor. */
const MAX_DEPTH = 256;

type Tree = Pick<GuestRoot, 'rootDir' | 'uid' | 'gid' | 'owner' | 'sharedDirs' | 'liveDirs'>;

export type WalkOptions = {
  /** Whether to follow a link in the last component. Other links are always followed. Default: true. */
  readonly followLast?: boolean;
  /**
   * Missing directories to create, with mode 0755 and the sandbox's owner: the parents of the last component, or that
   * component too. Default: none.
   */
  readonly create?: 'parents' | 'directories';
};

/** A resolved path. Its descriptors are open while the callback runs. */
export type Place = {
  /** The parent directory and the last name; null for the root itself. */
  readonly parent: { readonly fd: number; readonly name: string } | null;
  /** The pinned entry, or null if none exists. A link only if `followLast` is false. */
  readonly entry: { readonly fd: number; readonly stat: Stats } | null;
  readonly resolvedPath: string;
  /** Whether this is, or is in, a read-only directory shared with the host. */
  readonly isShared: boolean;
};

export function requireNotShared(place: Place, path: string): void {
  if (place.isShared) throw new SafeFsError('EROFS', path);
}

/**
 * Whether an entry is world-readable. The engine may be root, but a sandbox must see shared host directories as an
 * unprivileged user does.
 */
export function isPublic(stat: Stats): boolean {
  const needed = stat.isDirectory() ? 0o005 : 0o004;
  return stat.isSymbolicLink() || (stat.mode & needed) === needed;
}

/**
 * Resolves `path` as a process confined to the root would, and calls `use` with the result.
 *
 * Each step opens one component relative to a pinned directory, without following links, and acts on the opened
 * descriptor. Links are resolved against the sandbox's root, and `..` pops the walk's own stack. A sandbox that swaps
 * names at any moment cannot redirect the walk outside its root.
 *
 * @throws SafeFsError ENOENT if a component before the last is missing; ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL; LiveMountError
 */
export function withPlace<T>(
  tree: Tree,
  path: string,
  options: WalkOptions,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  return withErrorPath(path, async () => {
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
  /** Pinned directories from the root to the current one. */
  readonly #stack: { fd: number; name: string }[] = [];
  /** Remaining components, the next one last. */
  readonly #remaining: string[] = [];
  #entryFd: number | null = null;
  #linksLeft = MAX_LINKS;
  #needsDirectory = false;

  constructor(tree: Tree, path: string, options: WalkOptions) {
    this.#tree = tree;
    this.#path = path;
    this.#options = options;
  }

  async run(): Promise<Place> {
    this.#prepend(toRaw(this.#path));
    this.#stack.push({ fd: await openTop(this.#tree.rootDir), name: '' });
    for (;;) {
      const name = this.#remaining.pop();
      if (name === undefined) return await this.#finishAtDirectory();
      this.#refuseLive(name);
      if (name === '..') this.#goUp();
      else if (this.#remaining.length > 0 || this.#sharedPath(name) !== undefined) await this.#enter(name);
      else {
        const place = await this.#finishAt(name);
        if (place) return place;
      }
    }
  }

  close(): void {
    for (const { fd } of this.#stack.splice(0)) close(fd);
    if (this.#entryFd !== null) close(this.#entryFd);
    this.#entryFd = null;
  }

  #prepend(raw: string): void {
    if (raw.includes('\0')) throw new SafeFsError('EINVAL', this.#path.replaceAll('\0', '\u{FFFD}'));
    if (raw.length >= MAX_PATH_BYTES) throw new SafeFsError('ENAMETOOLONG', `${this.#path.slice(0, 64)}…`);
    if (this.#remaining.length === 0 && /\/\.?$/.test(raw)) this.#needsDirectory = true;
    const names = raw.split('/').filter((name) => name !== '' && name !== '.');
    this.#remaining.push(...names.reverse());
  }

  get #current(): { fd: number; name: string } {
    const current = this.#stack.at(-1);
    if (!current) throw new Error('the walk left its root');
    return current;
  }

  #refuseLive(name: string): void {
    if (this.#stack.length !== 1 || !this.#tree.liveDirs?.has(name)) return;
    const names = [name, ...this.#remaining.toReversed()];
    throw new LiveMountError(this.#path, fromRaw(`/${names.join('/')}`));
  }

  #goUp(): void {
    if (this.#stack.length === 1) return;
    const left = this.#stack.pop();
    if (left) close(left.fd);
  }

  async #enter(name: string): Promise<void> {
    if (this.#stack.length >= MAX_DEPTH) throw new SafeFsError('ENAMETOOLONG', this.#path);
    const { fd } = this.#current;
    try {
      const hostPath = this.#sharedPath(name);
      await this.#push(await (hostPath === undefined ? openDirectoryAt(fd, name) : openTop(hostPath)), name);
    } catch (error) {
      const isMissing = codeOf(error) === 'ENOENT';
      if (isMissing && this.#options.create) await this.#create(name);
      else if (codeOf(error) === 'ENOTDIR') await this.#followLink(name);
      else throw error;
    }
  }

  async #push(fd: number, name: string): Promise<void> {
    this.#stack.push({ fd, name });
    if (this.#isShared && !isPublic(await statOf(fd))) throw new SafeFsError('EACCES', this.#path);
  }

  /** Host path of the shared directory with this name in the current directory, if any. */
  #sharedPath(name: string): string | undefined {
    const { sharedDirs } = this.#tree;
    const isHere = this.#stack.length === 1 && sharedDirs !== undefined && Object.hasOwn(sharedDirs, name);
    return isHere ? sharedDirs[name] : undefined;
  }

  get #isShared(): boolean {
    const top = this.#stack[1]?.name;
    return top !== undefined && Object.hasOwn(this.#tree.sharedDirs ?? {}, top);
  }

  async #create(name: string): Promise<void> {
    if (this.#isShared) throw new SafeFsError('EROFS', this.#path);
    const { fd } = this.#current;
    try {
      await makeDirectoryAt(fd, name, 0o755);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      // Another process created the name first. It may be of any type: resolve it again.
      this.#countLink();
      this.#remaining.push(name);
      return;
    }
    const madeFd = await openDirectoryAt(fd, name);
    this.#stack.push({ fd: madeFd, name });
    // The engine's umask does not apply to sandboxes.
    await setMode(madeFd, 0o755);
    await setOwner(madeFd, this.#tree.owner ?? this.#tree);
  }

  /** Follows a link. @throws SafeFsError ENOTDIR if the name is not, or no longer, a link */
  async #followLink(name: string): Promise<void> {
    this.#countLink();
    let target: string;
    try {
      target = await readLinkAt(this.#current.fd, name);
    } catch (error) {
      if (codeOf(error) === 'EINVAL') throw new SafeFsError('ENOTDIR', this.#path);
      throw error;
    }
    this.#prepend(target);
    if (target.startsWith('/')) while (this.#stack.length > 1) this.#goUp();
  }

  #countLink(): void {
    this.#linksLeft -= 1;
    if (this.#linksLeft < 0) throw new SafeFsError('ELOOP', this.#path);
  }

  /** Resolves the last component. Null if the walk continues, because it was a link or has just been created. */
  async #finishAt(name: string): Promise<Place | null> {
    const { fd } = this.#current;
    try {
      this.#entryFd = await openEntryAt(fd, name);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      return await this.#finishAtMissing(name);
    }
    const stat = await statOf(this.#entryFd);
    if (stat.isSymbolicLink() && ((this.#options.followLast ?? true) || this.#needsDirectory)) {
      this.#closeEntry();
      await this.#followLastLink(name);
      return null;
    }
    if (!stat.isDirectory()) {
      const isWrong = this.#needsDirectory || this.#options.create === 'directories';
      if (isWrong) throw new SafeFsError('ENOTDIR', this.#path);
    }
    return this.#place({ fd, name }, { fd: this.#entryFd, stat });
  }

  async #finishAtMissing(name: string): Promise<Place | null> {
    if (this.#options.create === 'directories') {
      await this.#create(name);
      return null;
    }
    return this.#place({ fd: this.#current.fd, name }, null);
  }

  async #followLastLink(name: string): Promise<void> {
    try {
      await this.#followLink(name);
    } catch (error) {
      if (codeOf(error) !== 'ENOTDIR' && codeOf(error) !== 'ENOENT') throw error;
      // The link has been replaced: resolve the name again. `#countLink` bounds the retries.
      this.#remaining.push(name);
    }
  }

  /** The path ended in `/`, `.` or `..`: its place is the current directory. */
  async #finishAtDirectory(): Promise<Place> {
    const current = this.#current;
    const stat = await statOf(current.fd);
    const parent = this.#stack.at(-2);
    return {
      parent: parent ? { fd: parent.fd, name: current.name } : null,
      entry: { fd: current.fd, stat },
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
