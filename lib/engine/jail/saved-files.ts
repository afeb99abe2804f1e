import { chownSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MetadataCopy } from '../envd/file-metadata';
import type { Guest } from '../guests';
import { ApiError } from '../http';
import { type CopyOptions, copyDirectory } from '../safe-fs/copy';
import { codeOf } from '../safe-fs/safe-fs-error';
import { type HostIds, releaseHostIds, takeHostIds } from './host-ids';
import { closeToOthers, identityFiles, rootDirOf } from './rootfs';
import { Skeleton } from './skeleton';

const MEBIBYTE = 1024 * 1024;
/** The sandbox's root within a directory of saved files. */
const ROOT = 'root';

/**
 * Copies the root of a sandbox, and the metadata of its files, to the new directory `target`, owned by the engine.
 * @throws ApiError 507 if the files are larger than the sandbox's disk, holes included
 */
export async function saveRoot(
  guest: Guest,
  target: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(target, { mode: 0o700 });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  try {
    await copyWithMetadata(rootDirOf(guest), join(target, ROOT), { owner, maxBytes, signal });
  } catch (error) {
    if (codeOf(error) !== 'EDQUOT') throw error;
    const limit = `${Math.floor(maxBytes / MEBIBYTE)} MiB`;
    throw new ApiError(507, `The files of sandbox ${guest.id} are larger than its disk of ${limit}`);
  }
}

/**
 * Creates the root of a new sandbox from saved files. Only what tells the sandbox who it is differs from them. If it
 * fails, its directory remains to be removed.
 */
export async function restoreRoot(guest: Guest, files: string): Promise<void> {
  mkdirSync(guest.dataDir, { recursive: true, mode: 0o700 });
  const guestsDir = dirname(guest.dataDir);
  const ids = takeHostIds(guestsDir);
  const draft = join(guest.dataDir, 'draft-saved');
  try {
    await copyWithMetadata(join(files, ROOT), draft, { owner: ids, maxBytes: Number.POSITIVE_INFINITY });
    setIdentity(draft, ids, guest);
    chownSync(draft, ids.uid, ids.gid);
    closeToOthers(guest.dataDir, draft, ids);
    renameSync(draft, rootDirOf(guest));
  } catch (error) {
    releaseHostIds(guestsDir, ids.uid);
    throw error;
  }
}

/** The metadata of files lies beside their root, in the source and in the copy. */
async function copyWithMetadata(source: string, target: string, options: CopyOptions): Promise<void> {
  const metadata = await MetadataCopy.open(dirname(source));
  const onFile = metadata.isEmpty ? undefined : metadata.add.bind(metadata);
  await copyDirectory(source, target, { ...options, onFile });
  await metadata.save(dirname(target));
}

function setIdentity(rootDir: string, ids: HostIds, guest: Guest): void {
  const skeleton = new Skeleton(rootDir, ids);
  try {
    for (const dialect of ['moru', 'e2b'] as const) {
      for (const path of Object.keys(identityFiles({ ...guest, dialect }))) skeleton.removeFile(path);
    }
    for (const [path, text] of Object.entries(identityFiles(guest))) skeleton.addFile(path, text);
  } finally {
    skeleton.close();
  }
}
