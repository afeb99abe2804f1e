import 'server-only';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import type { SandboxKey } from '../../sandbox-key';
import { findArchived } from '../record/archives';
import { parseArchiveName } from './archive-path';

/** An archive from before a kill. The caller closes `file`. `name` is relative to the archive directory. */
type SavedArchive = { file: FileHandle; bytes: number; name: string; sandboxKey: SandboxKey };

const UNKNOWN = 'This operation saved no such archive.';
const MISSING = 'The archive is no longer in the archive directory of the server.';

/**
 * Opens the archive that an operation recorded, never through a symbolic link.
 * @throws SandkeeperError `not_found`, or `unavailable` if no archive directory is configured
 */
export async function openSavedArchive(operationId: string, fileName: string): Promise<SavedArchive> {
  const name = `${operationId}/${fileName}.tar.gz`;
  if (parseArchiveName(name) === null) throw new SandkeeperError('not_found', UNKNOWN);
  const sandboxKey = await findArchived(operationId, name);
  if (sandboxKey === null) throw new SandkeeperError('not_found', UNKNOWN);
  const { dir } = config().archives;
  if (dir === null)
    throw new SandkeeperError(
      'unavailable',
      'The server has no archive directory any more. Set SANDKEEPER_ARCHIVE_DIR to the one that holds the archive.',
    );
  try {
    const folder = join(await realpath(dir), operationId);
    if (!(await lstat(folder)).isDirectory()) throw new SandkeeperError('not_found', MISSING);
    const file = await open(join(folder, `${fileName}.tar.gz`), constants.O_RDONLY | constants.O_NOFOLLOW);
    const found = await file.stat();
    if (found.isFile() && found.size > 0) return { file, bytes: found.size, name, sandboxKey };
    await file.close();
  } catch (thrown) {
    if (thrown instanceof SandkeeperError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code !== 'ENOENT' && code !== 'ELOOP' && code !== 'ENOTDIR') throw thrown;
  }
  throw new SandkeeperError('not_found', MISSING);
}
