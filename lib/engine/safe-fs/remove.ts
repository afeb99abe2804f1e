import { basename, dirname } from 'node:path';
import { close, inBatches, openList, openTop, removeDirectoryAt, setMode, unlinkAt } from './descriptors';
import type { GuestRoot } from './guest-root';
import { codeOf, SafeFsError } from './safe-fs-error';
import { type Branch, visitTree } from './tree';
import { requireNotShared, withPlace } from './walk';

/** Retries when a sandbox adds entries to a directory while it is being emptied. */
const MAX_ATTEMPTS = 16;

/**
 * Removes a file, a link or a directory tree. Does not follow links. Succeeds if the entry is missing.
 * @throws SafeFsError EBUSY for the root itself; the errors of `withPlace`
 */
export async function removeEntry(root: GuestRoot, path: string): Promise<void> {
  try {
    await withPlace(root, path, { followLast: false }, async (place) => {
      const { parent, entry } = place;
      if (!parent) throw new SafeFsError('EBUSY', path);
      requireNotShared(place, path);
      if (entry) await removeAt(parent.fd, parent.name, entry.stat.isDirectory() ? entry.fd : null);
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Removes a host directory with everything in it, at any depth. Succeeds if it is missing. */
export async function removeHostDirectory(hostPath: string): Promise<void> {
  let parentFd: number | undefined;
  let fd: number | undefined;
  try {
    parentFd = await openTop(dirname(hostPath));
    fd = await openTop(hostPath);
    await removeAt(parentFd, basename(hostPath), fd);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  } finally {
    if (fd !== undefined) close(fd);
    if (parentFd !== undefined) close(parentFd);
  }
}

async function removeAt(parentFd: number, name: string, dirFd: number | null): Promise<void> {
  if (dirFd === null) return await unlinkAt(parentFd, name);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await emptyDirectory(dirFd);
      return await removeDirectoryAt(parentFd, name);
    } catch (error) {
      const isBusy = codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'ESTALE';
      if (!isBusy || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

function emptyDirectory(dirFd: number): Promise<void> {
  return visitTree(dirFd, undefined, {
    enter: removeFiles,
    leave: async (parentFd, { name }) => {
      try {
        await removeDirectoryAt(parentFd, name);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
      }
    },
  });
}

async function removeFiles(dirFd: number): Promise<Branch<undefined>[]> {
  const directories: Branch<undefined>[] = [];
  await allowEntry(dirFd);
  await inBatches(await openList(dirFd), async ({ name }) => {
    try {
      await unlinkAt(dirFd, name);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EISDIR' || code === 'EPERM') directories.push({ name, mark: undefined });
      else if (code !== 'ENOENT') throw error;
    }
  });
  return directories;
}

/** Lets an engine without root empty a directory whose owner has removed its own permissions. */
async function allowEntry(dirFd: number): Promise<void> {
  if (process.getuid?.() !== 0) await setMode(dirFd, 0o700);
}
