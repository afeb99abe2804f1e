/** Where in a sandbox is saved what a kill would delete. Runs anywhere. */

/** The home of the sandbox's user, wherever that is. */
export const USERS_HOME = '~';
export const MAX_ARCHIVE_PATH_CHARS = 1_024;

/** Nothing that hides, turns around or breaks a line: it is shown to people, and they must see what it is. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * The place that `text` names, as it is kept: absolute, or from `~` on, without slashes that mean nothing. `null` where
 * it names none, or goes up by dots.
 */
export function parseArchivePath(text: string): string | null {
  const typed = text.trim();
  if (typed.length > MAX_ARCHIVE_PATH_CHARS || UNSEEN.test(typed)) return null;
  const [start, ...names] = typed.split('/');
  if (start !== '' && start !== USERS_HOME) return null;
  if (names.includes('..') || names.includes('.')) return null;
  const below = names.filter((name) => name !== '').map((name) => `/${name}`);
  if (start === USERS_HOME) return USERS_HOME + below.join('');
  return names.length === 0 ? null : below.join('') || '/';
}
