import fs, { type Stats } from 'node:fs';
import { promisify } from 'node:util';
import {
  close,
  closeWritten,
  inBatches,
  magicLink,
  openDirectoryAt,
  openEntryAt,
  openList,
  openTop,
  readLinkAt,
  reopenForRead,
  setMode,
  statAt,
  statOf,
  toRaw,
} from './descriptors';
import { codeOf, SafeFsError } from './safe-fs-error';
import { type Branch, visitTree } from './tree';

const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE, O_CREAT, O_EXCL, O_WRONLY } = fs.constants;

const copyFile = promisify(fs.copyFile);
const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.write);
const truncate = promisify(fs.ftruncate);
const link = promisify(fs.link);
const mkdir = promisify(fs.mkdir);
const symlink = promisify(fs.symlink);
const lstat = promisify(fs.lstat);
const lchown = promisify(fs.lchown);
const chmod = promisify(fs.chmod);
const lutimes = promisify(fs.lutimes);

/** Hard-linked files that are linked in the copy, too. Beyond this limit, each name becomes a file of its own. */
const MAX_LINKED_FILES = 100_000;

/** How much of a file with holes is copied at once. */
const CHUNK_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

export type CopyOptions = {
  /** The owner of every copied entry. Only root can set it. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Most bytes of all files, holes included, because a file system without shared extents may fill them. */
  readonly maxBytes: number;
  /** Called for each copied file. */
  readonly onFile?: ((source: Stats, target: Stats) => void) | undefined;
  /** Ends the copy between two entries. */
  readonly signal?: AbortSignal | undefined;
};

/** A directory to copy: the raw path of its copy and its own attributes. */
type Mark = { readonly target: string; readonly stat: Stats };

/**
 * Copies a directory of a sandbox with everything in it to a new one that only the engine can enter. Files share their
 * blocks with the original where the file system can. Modes and times stay. Pipes, sockets and devices are left out.
 *
 * The source is read through pinned descriptors and links are never followed, so a client that swaps names during the
 * copy cannot make it read other files of this machine.
 *
 * @throws SafeFsError EDQUOT if the files are larger than `maxBytes`; the reason of `signal`; system errors
 */
export async function copyDirectory(source: string, target: string, options: CopyOptions): Promise<void> {
  const copy = new TreeCopy(options);
  const fd = await openTop(source);
  try {
    await requireSize(fd, options);
    const top: Mark = { target: toRaw(target), stat: await statOf(fd) };
    await mkdir(target, { mode: 0o700 });
    await visitTree(fd, top, {
      enter: (dirFd, mark) => copy.copyEntries(dirFd, mark),
      leave: async (parentFd, branch) => {
        await copy.finishDirectory(branch.mark);
        await restoreEntry(parentFd, branch);
      },
    });
    await copy.finishDirectory(top);
  } finally {
    close(fd);
  }
}

class TreeCopy {
  readonly #options: CopyOptions;
  /** The copy of each file with several names, complete once resolved. */
  readonly #linked = new Map<string, Promise<Mark>>();
  #bytes = 0;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  async copyEntries(dirFd: number, { target, stat }: Mark): Promise<Branch<Mark>[]> {
    const branches: Branch<Mark>[] = [];
    await allowEntry(dirFd, stat);
    await inBatches(await openList(dirFd), async ({ name }) => {
      this.#options.signal?.throwIfAborted();
      const fd = await openEntryAt(dirFd, name).catch(ignoreMissing);
      if (fd === null) return;
      try {
        const entry: Mark = { target: `${target}/${name}`, stat: await statOf(fd) };
        if (entry.stat.isDirectory()) {
          await mkdir(bytesOf(entry.target), { mode: 0o700 });
          branches.push({ name, mark: entry });
        } else if (entry.stat.isSymbolicLink()) await this.#copyLink(await readLinkAt(dirFd, name), entry);
        else if (entry.stat.isFile()) await this.#copyFile(fd, entry);
      } finally {
        close(fd);
      }
    });
    return branches;
  }

  async finishDirectory({ target, stat }: Mark): Promise<void> {
    await this.#setAttributes(target, stat);
  }

  async #copyLink(linkTarget: string, { target, stat }: Mark): Promise<void> {
    const path = bytesOf(target);
    await symlink(bytesOf(linkTarget), path);
    await this.#setOwner(path);
    await lutimes(path, stat.atime, stat.mtime);
  }

  async #copyFile(fd: number, entry: Mark): Promise<void> {
    const { target, stat } = entry;
    const key = `${stat.dev}:${stat.ino}`;
    const other = this.#linked.get(key);
    if (other !== undefined) {
      return await link(bytesOf((await other).target), bytesOf(target));
    }
    const copy = this.#copyBytes(fd, entry);
    if (stat.nlink > 1 && this.#linked.size < MAX_LINKED_FILES) this.#linked.set(key, copy);
    await copy;
  }

  async #copyBytes(fd: number, entry: Mark): Promise<Mark> {
    const { target, stat } = entry;
    this.#bytes += stat.size;
    if (this.#bytes > this.#options.maxBytes) throw new SafeFsError('EDQUOT', '/');
    const readable = await openForRead(fd, stat);
    try {
      if (hasHoles(stat)) await copyWithHoles(readable, bytesOf(target), stat.size, this.#options.signal);
      else await copyFile(magicLink(readable), bytesOf(target), COPYFILE_EXCL | COPYFILE_FICLONE);
    } finally {
      close(readable);
    }
    await this.#setAttributes(target, stat);
    this.#options.onFile?.(stat, await lstat(bytesOf(target)));
    return entry;
  }

  async #setAttributes(target: string, stat: Stats): Promise<void> {
    const path = bytesOf(target);
    await this.#setOwner(path);
    await chmod(path, stat.mode & 0o7777);
    await lutimes(path, stat.atime, stat.mtime);
  }

  async #setOwner(path: Buffer): Promise<void> {
    const { uid, gid } = this.#options.owner;
    if (process.getuid?.() === 0) await lchown(path, uid, gid);
  }
}

/** Refuses a tree that is too large before its first file is copied. @throws SafeFsError EDQUOT */
async function requireSize(topFd: number, { maxBytes, signal }: CopyOptions): Promise<void> {
  if (maxBytes === Number.POSITIVE_INFINITY) return;
  const linked = new Set<number>();
  let bytes = 0;
  const add = (stat: Stats) => {
    if (!stat.isFile() || linked.has(stat.ino)) return;
    if (stat.nlink > 1 && linked.size < MAX_LINKED_FILES) linked.add(stat.ino);
    bytes += stat.size;
    if (bytes > maxBytes) throw new SafeFsError('EDQUOT', '/');
  };
  await visitTree(topFd, undefined, {
    async enter(dirFd) {
      const branches: Branch<undefined>[] = [];
      // What cannot be listed here is counted when it is copied.
      const list = await openList(dirFd).catch(() => []);
      await inBatches(list, async ({ name }) => {
        signal?.throwIfAborted();
        const stat = await statAt(dirFd, name).catch(() => null);
        if (stat?.isDirectory()) branches.push({ name, mark: undefined });
        else if (stat) add(stat);
      });
      return branches;
    },
  });
}

const hasHoles = ({ size, blocks }: Stats) => size > CHUNK_BYTES && blocks * 512 < size;

/** Shares the blocks where the file system can. Elsewhere it leaves out what is zero, so that holes take no space. */
async function copyWithHoles(
  fd: number,
  target: Buffer,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    return await copyFile(magicLink(fd), target, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
  } catch {
    // The file system cannot share blocks.
  }
  const copy = await open(target, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = 0; at < sizeBytes; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await read(fd, chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) break;
      const isZero = chunk.compare(ZEROS, 0, bytesRead, 0, bytesRead) === 0;
      if (!isZero) await write(copy, chunk, 0, bytesRead, at);
      at += bytesRead;
    }
    await truncate(copy, sizeBytes);
  } finally {
    await closeWritten(copy);
  }
}

/** Lets an engine without root read a file whose owner has removed its own permission. */
async function openForRead(fd: number, stat: Stats): Promise<number> {
  if (isRoot() || (stat.mode & 0o400) !== 0) return await reopenForRead(fd);
  await setMode(fd, (stat.mode & 0o7777) | 0o400);
  try {
    return await reopenForRead(fd);
  } finally {
    await setMode(fd, stat.mode & 0o7777);
  }
}

/** The same for a directory, until `restoreEntry`. */
async function allowEntry(fd: number, stat: Stats): Promise<void> {
  if (isHidden(stat)) await setMode(fd, (stat.mode & 0o7777) | 0o500);
}

async function restoreEntry(parentFd: number, { name, mark }: Branch<Mark>): Promise<void> {
  if (!isHidden(mark.stat)) return;
  const fd = await openDirectoryAt(parentFd, name).catch(ignoreMissing);
  if (fd === null) return;
  try {
    await setMode(fd, mark.stat.mode & 0o7777);
  } finally {
    close(fd);
  }
}

const isRoot = () => process.getuid?.() === 0;
const isHidden = (stat: Stats) => !isRoot() && (stat.mode & 0o500) !== 0o500;

function bytesOf(raw: string): Buffer {
  return Buffer.from(raw, 'latin1');
}

function ignoreMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
  throw error;
}
