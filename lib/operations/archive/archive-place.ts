import 'server-only';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { SandboxKey } from '../../sandbox-key';
import { archiveName, parseArchiveName } from './archive-path';

/**
 * Archives are stored as `<operation>/<connection>.<sandbox>.tar.gz` below the configured directory, readable only by the
 * user that runs Sandkeeper. Several processes may write there, so an unfinished file has a unique name that ends in
 * `.part`. It is renamed once it is on disk.
 */

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = constants;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const PART = '.part';
const PART_NAME = /^(?:[a-z0-9-]{1,32}\.)?[A-Za-z0-9_-]{1,64}\.tar\.gz\.[0-9a-f]{12}\.part$/;
const ABANDONED_MS = 60 * 60_000;
/** Operation ids. Safe as a path segment. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Messages for the error codes of the file system. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk of the archive directory is full.',
  EDQUOT: 'The disk quota of the archive directory is used up.',
  EFBIG: 'The disk of the archive directory does not support files this large.',
  EACCES: 'Sandkeeper has no permission to write to the archive directory.',
  EPERM: 'Sandkeeper has no permission to write to the archive directory.',
  EROFS: 'The archive directory is read-only.',
  ENOTDIR: 'The archive directory is not a directory.',
  EEXIST: 'The archive directory is not a directory.',
  ENOENT: 'The archive directory has been removed.',
  ELOOP: 'The archive directory contains an unexpected symbolic link.',
  EIO: 'The disk of the archive directory failed.',
};

/** Converts a file system error to a SandkeeperError. Returns anything else unchanged. */
export function explainDisk(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const message = PROBLEMS[code];
  if (message === undefined) return thrown;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new SandkeeperError(isFull ? 'disk_full' : 'unavailable', message, { cause: thrown });
}

/**
 * Creates the archive directory if needed, checks that it is writable, and returns its real path.
 * @throws SandkeeperError `unavailable` or `disk_full` with the reason
 */
export async function openArchiveDir(dir: string): Promise<string> {
  try {
    await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
    const real = await realpath(dir);
    await access(real, constants.W_OK | constants.X_OK);
    if (!(await lstat(real)).isDirectory()) throw errorWithCode('ENOTDIR');
    return real;
  } catch (thrown) {
    throw explainDisk(thrown);
  }
}

/**
 * Removes unfinished archives that nobody writes any more: a server that ended may have left some, and their operation may
 * never be continued. An archive that is being written changes at least every two minutes.
 */
export async function sweepAbandonedParts(dir: string, nowMs = Date.now()): Promise<string[]> {
  const removed: string[] = [];
  for (const folder of await readdir(dir).catch(() => [])) {
    if (!ID.test(folder)) continue;
    for (const name of await readdir(join(dir, folder)).catch(() => [])) {
      const path = join(dir, folder, name);
      const found = PART_NAME.test(name) ? await lstat(path).catch(() => null) : null;
      if (!found?.isFile() || nowMs - found.mtimeMs < ABANDONED_MS) continue;
      await rm(path, { force: true });
      removed.push(`${folder}/${name}`);
    }
  }
  return removed;
}

/** The file of one archive. Its name consists only of validated ids, never of data from a sandbox. */
export class ArchivePlace {
  /** Relative to the archive directory. */
  readonly name: string;
  readonly #folder: string;
  readonly #fileName: string;
  readonly #partName: string;

  private constructor(folder: string, operationId: string, sandboxKey: SandboxKey) {
    this.#folder = folder;
    this.name = archiveName(operationId, sandboxKey);
    this.#fileName = this.name.slice(operationId.length + 1);
    // Unique per attempt: a process that lost its claim must not write into the new owner's file.
    this.#partName = `${this.#fileName}.${randomBytes(6).toString('hex')}${PART}`;
  }

  /** @throws SandkeeperError `unavailable` if the directory is not writable, `invalid` for an invalid id */
  static async open(dir: string, operationId: string, sandboxKey: SandboxKey): Promise<ArchivePlace> {
    if (!ID.test(operationId) || !SandboxKey.safeParse(sandboxKey).success)
      throw new SandkeeperError('invalid', 'Invalid operation or sandbox ID.');
    const folder = join(await openArchiveDir(dir), operationId);
    try {
      await mkdir(folder, { mode: FOLDER_MODE }).catch(unless('EEXIST'));
      // A symbolic link would lead out of the archive directory.
      const found = await lstat(folder);
      if (!found.isDirectory()) throw errorWithCode(found.isSymbolicLink() ? 'ELOOP' : 'ENOTDIR');
    } catch (thrown) {
      throw explainDisk(thrown);
    }
    return new ArchivePlace(folder, operationId, sandboxKey);
  }

  /** Creates the unfinished file. The caller closes it. */
  createPart(): Promise<FileHandle> {
    return open(this.#path(this.#partName), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  }

  /** Renames the unfinished file, which must be synced, to the archive. */
  async keepPart(): Promise<void> {
    await rename(this.#path(this.#partName), this.#path(this.#fileName));
    const folder = await open(this.#folder, O_RDONLY | O_DIRECTORY);
    // Without a sync, a power failure could undo the rename after the sandbox has been killed.
    await folder.sync().finally(() => folder.close());
  }

  /** Removes the unfinished file, if it exists. */
  async dropPart(): Promise<void> {
    await rm(this.#path(this.#partName), { force: true });
  }

  /** Removes unfinished files of earlier attempts. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const isOurs = name.startsWith(`${this.#fileName}.`) && name.endsWith(PART);
      if (isOurs && name !== this.#partName) await rm(this.#path(name), { force: true });
    }
  }

  /** Opens the archive for reading, or the one that was recorded under another name. The caller closes it. */
  openArchive(recordedName = this.name): Promise<FileHandle> {
    const file = parseArchiveName(recordedName)?.file;
    return open(this.#path(file === undefined ? this.#fileName : `${file}.tar.gz`), O_RDONLY | O_NOFOLLOW);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function unless(code: string): (thrown: unknown) => void {
  return (thrown) => {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === code)) throw thrown;
  };
}

function errorWithCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Why files cannot be archived before a kill, or `null`. */
export function cannotArchive(): string | null {
  return config().archives.dir === null ? 'To enable this, set SANDKEEPER_ARCHIVE_DIR on the server.' : null;
}

/**
 * Checks that archives can be written.
 * @throws SandkeeperError `invalid` if no directory is configured, `unavailable` if it is not writable
 */
export async function requireArchiving(): Promise<void> {
  const { dir } = config().archives;
  if (dir === null) throw new SandkeeperError('invalid', `Files cannot be archived. ${cannotArchive()}`);
  await openArchiveDir(dir);
}
