/** The path in a sandbox that is archived before a kill, and the name and address of the archive. Runs anywhere. */

import { connectionOf, idOf, type SandboxKey } from '../../sandbox-key';

/** `OPERATION/CONNECTION.ID.tar.gz`; earlier versions left the connection out. Ids and names contain no dot. */
const ARCHIVE_NAME = /^([A-Za-z0-9_-]{1,64})\/((?:[a-z0-9-]{1,32}\.)?[A-Za-z0-9_-]{1,64})\.tar\.gz$/;

/** The operation and the file, without its extension, of an archive's recorded name. `null` if it is not one of ours. */
export function parseArchiveName(name: string): { operationId: string; file: string } | null {
  const [, operationId, file] = ARCHIVE_NAME.exec(name) ?? [];
  return operationId === undefined || file === undefined ? null : { operationId, file };
}

/** The recorded name of an archive. Consists of validated ids, never of data from a sandbox. */
export function archiveName(operationId: string, key: SandboxKey): string {
  return `${operationId}/${connectionOf(key)}.${idOf(key)}.tar.gz`;
}

/** Where the archive with this recorded name can be downloaded. `null` if the name is not one of ours. */
export function archiveAddress(name: string): string | null {
  const parsed = parseArchiveName(name);
  return parsed && `/api/operations/${parsed.operationId}/archives/${parsed.file}`;
}

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
