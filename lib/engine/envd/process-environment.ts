import { posix } from 'node:path';
import type { Guest } from '../guests';
import type { SpawnRequest } from '../jail/frames';
import { SEARCH_PATH } from '../jail/search-path';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { ConnectError } from './connect-error';

/** The variables of every process, without those of its user (docs/protocol.md#envd-process-environment). */
export function sandboxVariables(guest: Guest): Record<string, string> {
  const prefix = guest.dialect.toUpperCase();
  return {
    ...guest.envVars,
    [`${prefix}_SANDBOX`]: 'true',
    [`${prefix}_SANDBOX_ID`]: guest.id,
    [`${prefix}_TEMPLATE_ID`]: guest.templateId,
  };
}

/** The ids of a user's processes; null if the sandbox has only one user. */
export function idsInside({ rootIds }: GuestRoot, { uid, gid }: GuestUser): SpawnRequest['ids'] {
  return rootIds ? { uid, gid } : null;
}

/** The environment of a process (docs/protocol.md#envd-process-environment). */
export function environmentOf(
  guest: Guest,
  user: GuestUser,
  envs: Readonly<Record<string, string>>,
  isPty: boolean,
): Record<string, string> {
  return {
    PATH: SEARCH_PATH,
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    ...(isPty ? { TERM: 'xterm-256color' } : {}),
    ...sandboxVariables(guest),
    ...envs,
  };
}

/**
 * Resolves the working directory of a process (docs/protocol.md#envd-paths).
 * @throws ConnectError `invalid_argument`
 */
export function workingDirectory(user: GuestUser, cwd: string | undefined): string {
  if (!cwd || cwd === '~') return user.home;
  if (cwd.startsWith('~/')) return posix.join(user.home, cwd.slice(2));
  if (cwd.startsWith('~')) {
    throw new ConnectError('invalid_argument', `cwd '${cwd}': the home of another user is not supported`);
  }
  return cwd.startsWith('/') ? cwd : posix.join(user.home, cwd);
}
