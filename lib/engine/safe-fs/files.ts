import fs, { type Stats } from 'node:fs';
import { promisify } from 'node:util';
import {
  close,
  closeWritten,
  createFileAt,
  reopenForRead,
  reopenForWrite,
  setMode,
  setOwner,
  statOf,
} from './descriptors';
import type { GuestRoot } from './guest-root';
import { aboutPath, codeOf, SafeFsError } from './safe-fs-error';
import { isPublic, type Place, requireOwn, withPlace } from './walk';

const read = promisify(fs.read);
const write = promisify(fs.write);
const ftruncate = promisify(fs.ftruncate);

/** A regular file of a sandbox, open for reading. Must be closed. */
export class ReadableFile {
  readonly #fd: number;
  readonly #path: string;

  constructor(
    fd: number,
    path: string,
    /** When it was opened; the file may grow and shrink meanwhile. */
    readonly sizeBytes: number,
  ) {
    this.#fd = fd;
    this.#path = path;
  }

  /** Fills `buffer` from `position` on. Answers the bytes read, fewer only at the end of the file. */
  async read(buffer: Buffer, position: number, lengthBytes: number): Promise<number> {
    let doneBytes = 0;
    while (doneBytes < lengthBytes) {
      const wantedBytes = lengthBytes - doneBytes;
      const { bytesRead } = await aboutPath(this.#path, () =>
        read(this.#fd, buffer, doneBytes, wantedBytes, position + doneBytes),
      );
      if (bytesRead === 0) break;
      doneBytes += bytesRead;
    }
    return doneBytes;
  }

  close(): void {
    close(this.#fd);
  }
}

/** A regular file of a sandbox, emptied and open for writing. Must be closed. */
export class WritableFile {
  readonly #fd: number;
  readonly #path: string;

  constructor(
    fd: number,
    path: string,
    /** Space that emptying it has given back. */
    readonly freedBytes: number,
  ) {
    this.#fd = fd;
    this.#path = path;
  }

  /** Appends all of `chunk`. @throws SafeFsError ENOSPC */
  async write(chunk: Buffer): Promise<void> {
    let doneBytes = 0;
    while (doneBytes < chunk.length) {
      const wantedBytes = chunk.length - doneBytes;
      const { bytesWritten } = await aboutPath(this.#path, () =>
        write(this.#fd, chunk, doneBytes, wantedBytes, null),
      );
      doneBytes += bytesWritten;
    }
  }

  async close(): Promise<void> {
    await aboutPath(this.#path, () => closeWritten(this.#fd));
  }
}

/**
 * Opens a regular file; links are followed within the root.
 * @throws SafeFsError ENOENT, EISDIR, EINVAL for a FIFO, a socket or a device, and what a walk throws.
 */
export function openForRead(root: GuestRoot, path: string): Promise<ReadableFile> {
  return withPlace(root, path, {}, async ({ entry, isShared }) => {
    if (!entry) throw new SafeFsError('ENOENT', path);
    requireFile(entry.stat, path);
    if (isShared && !isPublic(entry.stat)) throw new SafeFsError('EACCES', path);
    const fd = await reopenForRead(entry.fd);
    try {
      return new ReadableFile(fd, path, (await statOf(fd)).size);
    } catch (error) {
      close(fd);
      throw error;
    }
  });
}

/** How often a name may change between looking and creating before it is given up. */
const CREATE_ATTEMPTS = 8;

/**
 * Opens a file to be written from its start: emptied in place, or made with mode 0644, missing directories included.
 * It belongs to the sandbox's user afterwards.
 * @throws SafeFsError EISDIR, EINVAL for a FIFO, a socket or a device, ENOTDIR, ENOSPC, and what a walk throws.
 */
export async function openForWrite(root: GuestRoot, path: string): Promise<WritableFile> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withPlace(root, path, { create: 'parents' }, (place) => openPlace(root, path, place));
    } catch (error) {
      // Made by somebody else since the walk has seen nothing there; the next walk sees it.
      if (codeOf(error) !== 'EEXIST' || attempt >= CREATE_ATTEMPTS) throw error;
    }
  }
}

async function openPlace(root: GuestRoot, path: string, place: Place): Promise<WritableFile> {
  requireOwn(place, path);
  if (place.entry) requireFile(place.entry.stat, path);
  // A path that ends in a slash names a directory, whether there is one or not.
  if (!place.parent || path.endsWith('/')) throw new SafeFsError('EISDIR', path);
  const fd = place.entry
    ? await reopenForWrite(place.entry.fd)
    : await createFileAt(place.parent.fd, place.parent.name, 0o644);
  try {
    const usedBytes = place.entry ? place.entry.stat.blocks * 512 : 0;
    if (place.entry) await ftruncate(fd, 0);
    else await setMode(fd, 0o644);
    await setOwner(fd, root);
    return new WritableFile(fd, path, usedBytes);
  } catch (error) {
    close(fd);
    throw error;
  }
}

function requireFile(stat: Stats, path: string): void {
  if (stat.isDirectory()) throw new SafeFsError('EISDIR', path);
  if (!stat.isFile()) throw new SafeFsError('EINVAL', path);
}
