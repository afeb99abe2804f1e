import { chownSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../guests';
import { ApiError } from '../http';
import { copyDirectory } from '../safe-fs/copy';
import { codeOf } from '../safe-fs/safe-fs-error';
import { takeHostIds } from './host-ids';
import { closeToOthers, identityFiles, rootDirOf } from './rootfs';
import { Skeleton } from './skeleton';

const MEBIBYTE = 1024 * 1024;

/**
 * Copies the root of a sandbox to the new directory `target`, owned by the engine.
 * @throws ApiError 507 if the files are larger than the sandbox's disk, holes included
 */
export async function saveRoot(guest: Guest, target: string, maxBytes: number): Promise<void> {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  try {
    await copyDirectory(rootDirOf(guest), target, { owner, maxBytes });
  } catch (error) {
    if (codeOf(error) !== 'EDQUOT') throw error;
    const limit = `${Math.floor(maxBytes / MEBIBYTE)} MiB`;
    throw new ApiError(507, `The files of sandbox ${guest.id} are larger than its disk of ${limit}`);
  }
}

/** Creates the root of a new sandbox from saved files. Only what tells the sandbox who it is differs from them. */
export async function restoreRoot(guest: Guest, files: string): Promise<void> {
  mkdirSync(guest.dataDir, { recursive: true, mode: 0o700 });
  const ids = takeHostIds(join(guest.dataDir, '..'));
  const draft = join(guest.dataDir, 'draft-saved');
  await copyDirectory(files, draft, { owner: ids, maxBytes: Number.POSITIVE_INFINITY });
  const skeleton = new Skeleton(draft, ids);
  try {
    for (const dialect of ['moru', 'e2b'] as const) {
      for (const path of Object.keys(identityFiles({ ...guest, dialect }))) skeleton.removeFile(path);
    }
    for (const [path, text] of Object.entries(identityFiles(guest))) skeleton.addFile(path, text);
  } finally {
    skeleton.close();
  }
  chownSync(draft, ids.uid, ids.gid);
  closeToOthers(guest.dataDir, draft, ids);
  renameSync(draft, rootDirOf(guest));
}
