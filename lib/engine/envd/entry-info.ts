import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Entry } from '../safe-fs/entries';
import type { GuestRoot } from '../safe-fs/guest-root';

type FileType = 'FILE_TYPE_UNSPECIFIED' | 'FILE_TYPE_FILE' | 'FILE_TYPE_DIRECTORY';

/** `filesystem.EntryInfo` in proto3 JSON form (docs/protocol.md#envd-filesystem-messages). */
export type EntryInfo = {
  readonly name: string;
  readonly type: FileType;
  readonly path: string;
  /** int64 */
  readonly size: string;
  readonly mode: number;
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  /** RFC 3339 */
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
};

/** Type and mode of a link are those of its target; all other fields describe the link itself. */
export function toEntryInfo({ path, stat, target }: Entry, root: GuestRoot): EntryInfo {
  const resolved = target?.stat ?? stat;
  return {
    name: posix.basename(path) || '/',
    type: typeOf(resolved),
    path,
    size: String(stat.size),
    mode: resolved.mode & 0o777,
    permissions: permissionsOf(stat),
    owner: nameOf(stat.uid, root.uid, root),
    group: nameOf(stat.gid, root.gid, root),
    modifiedTime: timestampOf(stat.mtimeMs),
    ...(target ? { symlinkTarget: target.path } : {}),
  };
}

function typeOf(stat: Stats): FileType {
  if (stat.isFile()) return 'FILE_TYPE_FILE';
  return stat.isDirectory() ? 'FILE_TYPE_DIRECTORY' : 'FILE_TYPE_UNSPECIFIED';
}

/** Go's format of a mode: kind and special bits or a dash, then the nine permission bits. */
function permissionsOf(stat: Stats): string {
  const marks: [boolean, string][] = [
    [stat.isDirectory(), 'd'],
    [stat.isSymbolicLink(), 'L'],
    [stat.isBlockDevice() || stat.isCharacterDevice(), 'D'],
    [stat.isFIFO(), 'p'],
    [stat.isSocket(), 'S'],
    [(stat.mode & 0o4000) !== 0, 'u'],
    [(stat.mode & 0o2000) !== 0, 'g'],
    [stat.isCharacterDevice(), 'c'],
    [(stat.mode & 0o1000) !== 0, 't'],
  ];
  const kinds = marks.map(([isSet, mark]) => (isSet ? mark : '')).join('') || '-';
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((stat.mode >> (8 - index)) & 1 ? letter : '-'));
  return kinds + bits.join('');
}

/** The user of a sandbox has another id on the host. Files of the engine belong to root. */
function nameOf(id: number, guestId: number, root: GuestRoot): string {
  if (id === guestId) return root.users[0]?.name ?? String(id);
  return id === 0 ? 'root' : String(id);
}

/** A double is exact to about a microsecond. */
function timestampOf(timeMs: number): string {
  const micros = Math.round((timeMs - Math.floor(timeMs)) * 1000);
  const [seconds = '', rest = '000Z'] = new Date(Math.floor(timeMs)).toISOString().split('.');
  return `${seconds}.${rest.slice(0, 3)}${String(Math.min(micros, 999)).padStart(3, '0')}Z`;
}
