/** The path in a sandbox that is archived before a kill. Runs anywhere. */

/** The home directory of the sandbox's user. */
export const USERS_HOME = '~';
export const MAX_ARCHIVE_PATH_CHARS = 1_024;

/** Rejected because people must be able to see which path is archived. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Normalizes a path that starts with `/` or `~`. `null` if it is neither, or contains `.` or `..`. */
export function parseArchivePath(text: string): string | null {
  const typed = text.trim();
  if (typed.length > MAX_ARCHIVE_PATH_CHARS || INVISIBLE.test(typed)) return null;
  const [start, ...names] = typed.split('/');
  if (start !== '' && start !== USERS_HOME) return null;
  if (names.includes('..') || names.includes('.')) return null;
  const below = names.filter((name) => name !== '').map((name) => `/${name}`);
  if (start === USERS_HOME) return USERS_HOME + below.join('');
  return names.length === 0 ? null : below.join('') || '/';
}
