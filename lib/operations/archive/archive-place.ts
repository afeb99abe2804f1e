import 'server-only';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';

/**
 * Where archives of sandboxes are kept on this server: `<operation>/<sandbox>.tar.gz` below the configured directory,
 * for nobody but the user we run as. Several processes may write there: what is not finished has a name of its own and
 * ends in `.part`, and becomes the archive by being renamed once it is on disk.
 */

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = constants;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const PART = '.part';
/** Ids of ours and of sandboxes alike; nothing of it leads anywhere. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** What the system calls a failure to write, for people. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk of the export directory is full.',
  EDQUOT: 'The disk quota of the export directory is used up.',
  EFBIG: 'The disk of the export directory takes no file as large as that.',
  EACCES: 'The export directory may not be written to.',
  EPERM: 'The export directory may not be written to.',
  EROFS: 'The export directory can only be read.',
  ENOTDIR: 'The export directory is no directory.',
  EEXIST: 'The export directory is no directory.',
  ENOENT: 'The export directory has been removed.',
  ELOOP: 'The export directory holds a link where there should be none.',
  EIO: 'The disk of the export directory does not work.',
};

/** The failure to write or read here, in our words; what is no such failure as it is. */
export function explainDisk(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const message = PROBLEMS[code];
  return message === undefined ? thrown : new SandkeeperError('unavailable', message, { cause: thrown });
}

/**
 * Sees to it that the export directory is there and can be written to, and answers where it really lies.
 * @throws SandkeeperError `unavailable`, with why
 */
export async function openArchiveDir(dir: string): Promise<string> {
  try {
    await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
    const real = await realpath(dir);
    await access(real, constants.W_OK | constants.X_OK);
    if (!(await lstat(real)).isDirectory()) throw notThere('ENOTDIR');
    return real;
  } catch (thrown) {
    throw explainDisk(thrown);
  }
}

/** The place of one archive. Its names are made of ids that were checked, and of nothing that a sandbox has said. */
export class ArchivePlace {
  /** From the export directory on. */
  readonly name: string;
  readonly #folder: string;
  readonly #fileName: string;
  readonly #partName: string;

  private constructor(folder: string, operationId: string, sandboxId: string) {
    this.#folder = folder;
    this.#fileName = `${sandboxId}.tar.gz`;
    // Of this attempt alone: whoever is slow to notice that another has taken over must not write into its file.
    this.#partName = `${this.#fileName}.${randomBytes(6).toString('hex')}${PART}`;
    this.name = `${operationId}/${this.#fileName}`;
  }

  /** @throws SandkeeperError `unavailable` where nothing can be written; `invalid` for what is no id */
  static async open(dir: string, operationId: string, sandboxId: string): Promise<ArchivePlace> {
    if (!ID.test(operationId) || !ID.test(sandboxId))
      throw new SandkeeperError('invalid', 'That is not the id of an operation or of a sandbox.');
    const folder = join(await openArchiveDir(dir), operationId);
    try {
      await mkdir(folder, { mode: FOLDER_MODE }).catch(unless('EEXIST'));
      // A link that somebody has put there would lead elsewhere.
      const found = await lstat(folder);
      if (!found.isDirectory()) throw notThere(found.isSymbolicLink() ? 'ELOOP' : 'ENOTDIR');
    } catch (thrown) {
      throw explainDisk(thrown);
    }
    return new ArchivePlace(folder, operationId, sandboxId);
  }

  /** A new file for what is not finished yet. Close it. */
  createPart(): Promise<FileHandle> {
    return open(this.#path(this.#partName), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  }

  /** Makes the part, which must be on disk, the archive. */
  async keepPart(): Promise<void> {
    await rename(this.#path(this.#partName), this.#path(this.#fileName));
    const folder = await open(this.#folder, O_RDONLY | O_DIRECTORY);
    // Without this, the name might not outlast a loss of power, after which the sandbox is gone.
    await folder.sync().finally(() => folder.close());
  }

  /** Removes the part, if there still is one. */
  async dropPart(): Promise<void> {
    await rm(this.#path(this.#partName), { force: true });
  }

  /** Removes what earlier attempts at this archive have left unfinished: none of them can become the archive any more. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const isOurs = name.startsWith(`${this.#fileName}.`) && name.endsWith(PART);
      if (isOurs && name !== this.#partName) await rm(this.#path(name), { force: true });
    }
  }

  /** The archive, to be read. Close it. */
  openArchive(): Promise<FileHandle> {
    return open(this.#path(this.#fileName), O_RDONLY | O_NOFOLLOW);
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

function notThere(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Why no files can be saved before a kill here, for people; `null`: they can. */
export function cannotArchive(): string | null {
  return config().archives.dir === null
    ? 'It needs a directory on the server: the setting SANDKEEPER_ARCHIVE_DIR.'
    : null;
}

/**
 * Finds out before anything is begun whether archives could be written.
 * @throws SandkeeperError `invalid` where there is no place for them; `unavailable` where it cannot be written to
 */
export async function requireArchiving(): Promise<void> {
  const { dir } = config().archives;
  if (dir === null) throw new SandkeeperError('invalid', `Files cannot be saved. ${cannotArchive()}`);
  await openArchiveDir(dir);
}
