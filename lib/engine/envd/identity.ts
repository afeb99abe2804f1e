import { posix } from 'node:path';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';

/** Who a request acts as when it names nobody. */
const DEFAULT_USER = 'user';

/** The user that a request names, or the default one; undefined: there is no such user. */
export function findUser(root: GuestRoot, name: string | null): GuestUser | undefined {
  const wanted = name || DEFAULT_USER;
  return root.users.find((user) => user.name === wanted);
}

/** The user name of `Authorization: Basic`; null when there is none. */
export function basicUserName(authorization: string | undefined): string | null {
  const encoded = /^Basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return null;
  return Buffer.from(encoded, 'base64').toString('utf8').split(':')[0] ?? null;
}

/** A path that names somebody else's home. */
export class PathError extends Error {
  override name = 'PathError';
}

/**
 * The absolute path that a caller means (docs/protocol.md#envd-paths): empty and `~` are the home, relative ones start
 * there and are cleaned, absolute ones are taken as they are. What is absolute here is still walked inside the
 * sandbox's root.
 * @throws PathError for `~name`
 */
export function resolvePath(path: string, user: GuestUser): string {
  if (path.startsWith('/')) return path;
  if (path === '~' || path.startsWith('~/')) return posix.join(user.home, path.slice(1));
  if (path.startsWith('~')) {
    throw new PathError(`failed to resolve path '${path}': cannot expand user-specific home dir`);
  }
  return withoutSlash(posix.join(user.home, path));
}

/** `posix.join` keeps a slash at the end, Go's cleaning does not. */
function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
