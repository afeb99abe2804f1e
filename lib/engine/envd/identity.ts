import { posix } from 'node:path';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';

const DEFAULT_USER = 'user';

/** Finds a user of the sandbox, or the default user (docs/protocol.md#envd-users). */
export function findUser(root: GuestRoot, name: string | null): GuestUser | undefined {
  const userName = name || DEFAULT_USER;
  return root.users.find((user) => user.name === userName);
}

/** The root for the calls of a user, who owns what they create. */
export function rootFor(root: GuestRoot, { host }: GuestUser): GuestRoot {
  return host ? { ...root, owner: host } : root;
}

/** The user name in `Authorization: Basic`; null without one. */
export function basicUserName(authorization: string | undefined): string | null {
  const encoded = /^Basic\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return null;
  return Buffer.from(encoded, 'base64').toString('utf8').split(':')[0] ?? null;
}

export class PathError extends Error {
  override name = 'PathError';
}

/**
 * Resolves a path to an absolute one inside the sandbox (docs/protocol.md#envd-paths). Relative paths and `~` start at
 * the home; absolute paths stay unchanged.
 * @throws PathError for `~name`
 */
export function resolvePath(path: string, user: GuestUser): string {
  if (path.startsWith('/')) return path;
  if (path === '~' || path.startsWith('~/')) return posix.join(user.home, path.slice(1));
  if (path.startsWith('~')) {
    throw new PathError(`failed to resolve path '${path}': cannot expand user-specific home dir`);
  }
  return withoutTrailingSlash(posix.join(user.home, path));
}

/** Go removes a trailing slash; `posix.join` does not. */
function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
