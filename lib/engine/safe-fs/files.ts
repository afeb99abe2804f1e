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
import { codeOf, SafeFsError, withErrorPath } from './safe-fs-error';
import { isPublic, type Place, requireNotShared, withPlace } from './walk';

const read = promisify(fs.read);
const write = promisify(fs.write);
const ftruncate = promisify(fs.ftruncate);

/** A regular file of a sandbox, open for reading. The caller must close it. */
export class ReadableFile {
  readonly #fd: number;
  readonly #path: string;

  constructor(
    fd: number,
    path: string,
    /** At opening. It may change. */
    readonly stat: Stats,
  ) {
    this.#fd = fd;
    this.#path = path;
  }

  get sizeBytes(): number {
    return this.stat.size;
  }

  /** Reads `lengthBytes` at `position` into `buffer`. Returns the bytes read, fewer only at the end of the file. */
  async read(buffer: Buffer, position: number, lengthBytes: number): Promise<number> {
    let doneBytes = 0;
    while (doneBytes < lengthBytes) {
      const wantedBytes = lengthBytes - doneBytes;
      const { bytesRead } = await withErrorPath(this.#path, () =>
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

/** A regular file of a sandbox, truncated and open for writing. The caller must close it. */
export class WritableFile {
  readonly #fd: number;
  readonly #path: string;

  constructor(
    fd: number,
    path: string,
    readonly freedBytes: number,
  ) {
    this.#fd = fd;
    this.#path = path;
  }

  async write(chunk: Buffer): Promise<void> {
    let doneBytes = 0;
    while (doneBytes < chunk.length) {
      const wantedBytes = chunk.length - doneBytes;
      const { bytesWritten } = await withErrorPath(this.#path, () =>
        write(this.#fd, chunk, doneBytes, wantedBytes, null),
      );
      doneBytes += bytesWritten;
    }
  }

  async close(): Promise<void> {
    await withErrorPath(this.#path, () => closeWritten(this.#fd));
  }
}

/**
 * Opens a regular file. Follows links within the root.
 * @throws SafeFsError ENOENT, EISDIR, EINVAL for a FIFO, socket or device; the errors of `withPlace`
 */
export function openForRead(root: GuestRoot, path: string): Promise<ReadableFile> {
  return withPlace(root, path, {}, async ({ entry, isShared }) => {
    if (!entry) throw new SafeFsError('ENOENT', path);
    requireFile(entry.stat, path);
    if (isShared && !isPublic(entry.stat)) throw new SafeFsError('EACCES', path);
    const fd = await reopenForRead(entry.fd);
    try {
      return new ReadableFile(fd, path, await statOf(fd));
    } catch (error) {
      close(fd);
      throw error;
    }
  });
}

const MAX_CREATE_ATTEMPTS = 8;

/**
 * Opens a file for writing from its start. Truncates an existing file; creates a missing one with mode 0644 and its
 * missing parents. Makes the sandbox's user the owner. `onOpen` is called before any of that changes the file.
 * @throws SafeFsError EISDIR, EINVAL for a FIFO, socket or device, ENOTDIR, ENOSPC; the errors of `withPlace`
 */
export async function openForWrite(
  root: GuestRoot,
  path: string,
  onOpen: (stat: Stats) => void = () => {},
): Promise<WritableFile> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withPlace(root, path, { create: 'parents' }, (place) =>
        openPlace(root, path, place, onOpen),
      );
    } catch (error) {
      // Another process created the file after the walk found nothing. The next walk finds it.
      if (codeOf(error) !== 'EEXIST' || attempt >= MAX_CREATE_ATTEMPTS) throw error;
    }
  }
}

async function openPlace(
  root: GuestRoot,
  path: string,
  place: Place,
  onOpen: (stat: Stats) => void,
): Promise<WritableFile> {
  requireNotShared(place, path);
  if (place.entry) requireFile(place.entry.stat, path);
  // A path with a trailing slash names a directory, even if none exists.
  if (!place.parent || path.endsWith('/')) throw new SafeFsError('EISDIR', path);
  const fd = place.entry
    ? await reopenForWrite(place.entry.fd)
    : await createFileAt(place.parent.fd, place.parent.name, 0o644);
  try {
    onOpen(await statOf(fd));
    const usedBytes = place.entry ? place.entry.stat.blocks * 512 : 0;
    if (place.entry) await ftruncate(fd, 0);
    else await setMode(fd, 0o644);
    await setOwner(fd, root.owner ?? root);
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
