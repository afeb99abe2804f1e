import { renameAt } from './descriptors';
import type { GuestRoot } from './guest-root';
import { SafeFsError } from './safe-fs-error';
import { requireOwn, withPlace } from './walk';

/**
 * Makes a directory with everything above it, mode 0755, owned by the sandbox's user. False: it was there.
 * @throws SafeFsError EEXIST when something else has the name, and what a walk throws.
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
 * Renames as rename(2) does, links themselves included; missing directories above `destination` are made.
 * @throws SafeFsError ENOENT when `source` is missing, otherwise what rename(2) or a walk throws, named by its path.
 */
export function moveEntry(root: GuestRoot, source: string, destination: string): Promise<void> {
  return withPlace(root, source, { followLast: false }, (from) => {
    const { parent } = from;
    if (!parent) throw new SafeFsError('EBUSY', source);
    if (!from.entry) throw new SafeFsError('ENOENT', source);
    requireOwn(from, source);
    return withPlace(root, destination, { followLast: false, create: 'parents' }, (to) => {
      if (!to.parent) throw new SafeFsError('EBUSY', destination);
      requireOwn(to, destination);
      return renameAt(parent.fd, parent.name, to.parent.fd, to.parent.name);
    });
  });
}
