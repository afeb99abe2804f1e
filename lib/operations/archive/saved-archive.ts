import 'server-only';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { SandboxId } from '../../sandbox/schema';
import { findArchive } from '../record/archives';
import { OPERATION_ID } from '../schema';

/** An archive from before a kill. The caller closes `file`. `name` is relative to the archive directory. */
type SavedArchive = { file: FileHandle; bytes: number; name: string };

const UNKNOWN = 'This operation saved no archive of this sandbox.';
const MISSING = 'The archive is no longer in the archive directory of the server.';

/**
 * Opens the archive that an operation recorded for a sandbox, never through a symbolic link.
 * @throws SandkeeperError `not_found`, or `unavailable` if no archive directory is configured
 */
export async function openSavedArchive(operationId: string, sandboxId: string): Promise<SavedArchive> {
  if (!OPERATION_ID.test(operationId) || !SandboxId.safeParse(sandboxId).success)
    throw new SandkeeperError('not_found', UNKNOWN);
  if ((await findArchive(operationId, sandboxId)) === null) throw new SandkeeperError('not_found', UNKNOWN);
  const { dir } = config().archives;
  if (dir === null)
    throw new SandkeeperError(
      'unavailable',
      'The server has no archive directory any more. Set SANDKEEPER_ARCHIVE_DIR to the one that holds the archive.',
    );
  const name = `${operationId}/${sandboxId}.tar.gz`;
  try {
    const folder = join(await realpath(dir), operationId);
    if (!(await lstat(folder)).isDirectory()) throw new SandkeeperError('not_found', MISSING);
    const file = await open(join(folder, `${sandboxId}.tar.gz`), constants.O_RDONLY | constants.O_NOFOLLOW);
    const found = await file.stat();
    if (found.isFile() && found.size > 0) return { file, bytes: found.size, name };
    await file.close();
  } catch (thrown) {
    if (thrown instanceof SandkeeperError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
    if (code !== 'ENOENT' && code !== 'ELOOP' && code !== 'ENOTDIR') throw thrown;
  }
  throw new SandkeeperError('not_found', MISSING);
}
