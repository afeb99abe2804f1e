import fs, { type Dir, type Stats } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf } from './safe-fs-error';

/**
 * The `*at` system calls, which Node does not offer: `openat(fd, name)` opens `/proc/self/fd/<fd>/<name>`. A descriptor
 * pins its inode, which protects against a sandbox that renames or replaces entries during an operation.
 *
 * Names are *raw*: latin1, one character per byte. File names may not be valid UTF-8, and a removal must reach all.
 */

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
/** The same on every Linux architecture that Node supports. Missing from Node's constants. */
const O_PATH = 0o10000000;

const open = promisify(fs.open);
const closeLater = promisify(fs.close);
const fstat = promisify(fs.fstat);
const lstat = promisify(fs.lstat);
const mkdir = promisify(fs.mkdir);
const readlink = promisify(fs.readlink);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);
const rmdir = promisify(fs.rmdir);
const chown = promisify(fs.chown);
const chmod = promisify(fs.chmod);
const opendir = promisify(fs.opendir);

export function toRaw(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

/** Decodes a raw name. Bytes that are not UTF-8 become U+FFFD. */
export function fromRaw(raw: string): string {
  return Buffer.from(raw, 'latin1').toString('utf8');
}

/**
 * The reason files cannot be served on this machine, or null if they can. Paths are no fallback: without these
 * descriptors a sandbox could redirect any access outside its root.
 */
export function unsupportedReason(): string | null {
  if (process.platform !== 'linux') {
    return `Sandbox files require Linux. This system is ${process.platform}.`;
  }
  if (!fs.existsSync('/proc/self/fd')) {
    return 'Sandbox files require /proc. Mount it and start the engine again.';
  }
  return null;
}

/** Closes a descriptor that was not written to. Never blocks. */
export function close(fd: number): void {
  try {
    fs.closeSync(fd);
  } catch {
    // The descriptor is released even if close(2) fails.
  }
}

/** Closes a descriptor that was written to. @throws errors of delayed writes */
export async function closeWritten(fd: number): Promise<void> {
  await closeLater(fd);
}

export function openTop(hostPath: string): Promise<number> {
  return open(hostPath, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Pins a directory. Fails with ENOTDIR for anything else, including a link. */
export function openDirectoryAt(dirFd: number, name: string): Promise<number> {
  return open(at(dirFd, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Pins an entry of any type. A link is not followed. */
export function openEntryAt(dirFd: number, name: string): Promise<number> {
  return open(at(dirFd, name), O_PATH | O_NOFOLLOW);
}

export function openParent(dirFd: number): Promise<number> {
  return open(at(dirFd, '..'), O_PATH | O_DIRECTORY);
}

/** Creates a file. Fails with EEXIST if the name exists, even as a broken link. */
export function createFileAt(dirFd: number, name: string, mode: number): Promise<number> {
  return open(at(dirFd, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, mode);
}

export function reopenForRead(fd: number): Promise<number> {
  return reopen(fd, O_RDONLY);
}

export function reopenForWrite(fd: number): Promise<number> {
  return reopen(fd, O_WRONLY);
}

const LEASE_WAITS_MS = [1, 5, 20, 50, 100, 200];

/**
 * Opens without blocking in the kernel. If a sandbox holds a lease on the file (F_SETLEASE in fcntl(2)), a blocking
 * open would occupy one of Node's few file threads for up to 45 s.
 */
async function reopen(fd: number, flags: number): Promise<number> {
  for (const waitMs of LEASE_WAITS_MS) {
    try {
      return await open(magicLink(fd), flags | O_NONBLOCK);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
    }
    await sleep(waitMs);
  }
  return open(magicLink(fd), flags | O_NONBLOCK);
}

export function statOf(fd: number): Promise<Stats> {
  return fstat(fd);
}

export function statAt(dirFd: number, name: string): Promise<Stats> {
  return lstat(at(dirFd, name));
}

/** Reads the raw target of a link. Fails with EINVAL for anything else. */
export function readLinkAt(dirFd: number, name: string): Promise<string> {
  return readlink(at(dirFd, name), { encoding: 'latin1' });
}

/** The current host path of a pinned entry, for comparison only. */
export function pathOf(fd: number): Promise<string> {
  return readlink(magicLink(fd), { encoding: 'latin1' });
}

export function makeDirectoryAt(dirFd: number, name: string, mode: number): Promise<void> {
  return mkdir(at(dirFd, name), { mode }).then(() => undefined);
}

export function renameAt(fromFd: number, from: string, toFd: number, to: string): Promise<void> {
  return rename(at(fromFd, from), at(toFd, to));
}

export function unlinkAt(dirFd: number, name: string): Promise<void> {
  return unlink(at(dirFd, name));
}

export function removeDirectoryAt(dirFd: number, name: string): Promise<void> {
  return rmdir(at(dirFd, name));
}

/** Sets the mode of a pinned entry, which must not be a link. */
export function setMode(fd: number, mode: number): Promise<void> {
  return chmod(magicLink(fd), mode);
}

/** Sets the owner of a pinned entry, which must not be a link. Does nothing unless the engine is root. */
export async function setOwner(fd: number, owner: { uid: number; gid: number }): Promise<void> {
  if (process.getuid?.() === 0) await chown(magicLink(fd), owner.uid, owner.gid);
}

/** Iterates over a pinned directory, with raw names. Closes itself when the iteration ends or is abandoned. */
export function openList(dirFd: number): Promise<Dir> {
  return opendir(magicLink(dirFd), { encoding: 'latin1', bufferSize: 256 });
}

/** A path to the pinned entry that stays valid when the entry is renamed. */
export function magicLink(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

const BATCH_SIZE = 32;

/** Runs `work` for every item, one batch at a time. @throws the first error, after its whole batch has settled */
export async function inBatches<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH_SIZE) continue;
    await settleAll(batch, work);
    batch = [];
  }
  await settleAll(batch, work);
}

/** Waits for all even if one fails, because the caller closes their descriptor next. */
async function settleAll<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function at(dirFd: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${dirFd}/${name}`, 'latin1');
}
