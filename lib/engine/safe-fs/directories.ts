import { renameAt } from './descriptors';
import type { GuestRoot } from './guest-root';
import { SafeFsError } from './safe-fs-error';
import { requireNotShared, withPlace } from './walk';

/**
 * Creates a directory and its missing parents, mode 0755, owned by the sandbox's user.
 * @returns false if the directory existed
 * @throws SafeFsError EEXIST if the path is not a directory; the errors of `withPlace`
 */
export async function makeDirectory(root: GuestRoot, path: string): Promise<boolean> {
  const existed = await withPlace(root, path, { create: 'parents' }, async ({ entry }) => {
    if (entry && !entry.stat.isDirectory()) throw new SafeFsError('EEXIST', path);
    return entry !== null;
  });
  if (!existed) await withPlace(root, path, { create: 'directories' }, async () => undefined);
  return !existed;
}

/**
 * Renames an entry as rename(2) does, without following links. Creates the missing parents of `destination`.
 * @throws SafeFsError ENOENT if `source` is missing; the errors of rename(2) and `withPlace`
 */
export function moveEntry(root: GuestRoot, source: string, destination: string): Promise<void> {
  return withPlace(root, source, { followLast: false }, (from) => {
    const { parent } = from;
    if (!parent) throw new SafeFsError('EBUSY', source);
    if (!from.entry) throw new SafeFsError('ENOENT', source);
    requireNotShared(from, source);
    return withPlace(root, destination, { followLast: false, create: 'parents' }, (to) => {
      if (!to.parent) throw new SafeFsError('EBUSY', destination);
      requireNotShared(to, destination);
      return renameAt(parent.fd, parent.name, to.parent.fd, to.parent.name);
    });
  });
}
