import 'server-only';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { openExportDir } from './archive-place';

/** Why no files can be saved before a kill here, for people; `null`: they can. */
export function cannotSave(): string | null {
  return config().exports.dir === null
    ? 'It needs a directory on the server: the setting SANDKEEPER_EXPORT_DIR.'
    : null;
}

/**
 * Finds out before anything is begun whether archives could be written.
 * @throws SandkeeperError `invalid` where there is no place for them; `unavailable` where it cannot be written to
 */
export async function requireSaving(): Promise<void> {
  const { dir } = config().exports;
  if (dir === null) throw new SandkeeperError('invalid', `Files cannot be saved. ${cannotSave()}`);
  await openExportDir(dir);
}
