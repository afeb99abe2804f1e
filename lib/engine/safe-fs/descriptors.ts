import fs, { type Dir, type Stats } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf } from './safe-fs-error';

/**
 * System calls on descriptors, which Node does not offer: `openat(fd, name)` is spelled `/proc/self/fd/<fd>/<name>`. A
 * descriptor pins what it was opened on, so nothing that a sandbox renames or replaces meanwhile can redirect it.
 *
 * Names are *raw*: one character for each byte (latin1). Names need not be UTF-8, and a removal must reach them all.
 */

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
/** Linux on every architecture that Node supports; missing from Node's constants. */
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

/** Bytes of a path as one character each. */
export function toRaw(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

/** A raw path as text; bytes that are not UTF-8 become U+FFFD. */
export function fromRaw(raw: string): string {
  return Buffer.from(raw, 'latin1').toString('utf8');
}

/**
 * Says why files cannot be served on this machine, or null when they can. There is no fallback to paths: on a system
 * without these descriptors a sandbox could lead every access out of its root.
 */
export function whyUnsupported(): string | null {
  if (process.platform !== 'linux') {
    return `Files of sandboxes can be served on Linux only: this is ${process.platform}.`;
  }
  if (!fs.existsSync('/proc/self/fd'))
    return 'Files of sandboxes cannot be served: /proc is not mounted here.';
  return null;
}

/** Closes a descriptor that nothing was written through; that never waits. */
export function close(fd: number): void {
  try {
    fs.closeSync(fd);
  } catch {
    // It is gone either way.
  }
}

/** Closes a descriptor that was written through. */
export async function closeWritten(fd: number): Promise<void> {
  await closeLater(fd);
}

/** Opens the root of a walk, by its path on the host. */
export function openTop(hostPath: string): Promise<number> {
  return open(hostPath, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Pins a directory. Fails with ENOTDIR for anything else, links included. */
export function openDirectoryAt(dirFd: number, name: string): Promise<number> {
  return open(at(dirFd, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Pins whatever has this name, a link itself rather than its target. */
export function openEntryAt(dirFd: number, name: string): Promise<number> {
  return open(at(dirFd, name), O_PATH | O_NOFOLLOW);
}

/** Pins the parent of a directory. */
export function openParent(dirFd: number): Promise<number> {
  return open(at(dirFd, '..'), O_PATH | O_DIRECTORY);
}

/** Makes a file that was not there. Fails with EEXIST otherwise, also for a link that leads nowhere. */
export function createFileAt(dirFd: number, name: string, mode: number): Promise<number> {
  return open(at(dirFd, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, mode);
}

/** Opens a pinned regular file for reading. */
export function reopenForRead(fd: number): Promise<number> {
  return reopen(fd, O_RDONLY);
}

/** Opens a pinned regular file for writing. */
export function reopenForWrite(fd: number): Promise<number> {
  return reopen(fd, O_WRONLY);
}

const LEASE_WAITS_MS = [1, 5, 20, 50, 100, 200];

/**
 * Never blocks in the kernel: a sandbox may hold a lease on its file (`fcntl(2)`, F_SETLEASE), and an open that waits
 * for it would take one of the few threads that serve everybody's files, for up to 45 s.
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

/** lstat of a name in a pinned directory. */
export function statAt(dirFd: number, name: string): Promise<Stats> {
  return lstat(at(dirFd, name));
}

/** Raw text of a link. Fails with EINVAL for anything else. */
export function readLinkAt(dirFd: number, name: string): Promise<string> {
  return readlink(at(dirFd, name), { encoding: 'latin1' });
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

/** Changes the mode of what is pinned, which must not be a link. */
export function setMode(fd: number, mode: number): Promise<void> {
  return chmod(magicLink(fd), mode);
}

/** Hands what is pinned, which must not be a link, to its owner. Only root can; for everybody else it is theirs. */
export async function setOwner(fd: number, owner: { uid: number; gid: number }): Promise<void> {
  if (process.getuid?.() === 0) await chown(magicLink(fd), owner.uid, owner.gid);
}

/** Reads a pinned directory piece by piece. Names come raw. Closes itself when iterated to its end or left. */
export function openList(dirFd: number): Promise<Dir> {
  return opendir(magicLink(dirFd), { encoding: 'latin1', bufferSize: 256 });
}

/** Path that leads to what a descriptor pins, whatever its name is now. */
export function magicLink(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function at(dirFd: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${dirFd}/${name}`, 'latin1');
}
