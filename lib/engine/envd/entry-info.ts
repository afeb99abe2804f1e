import { constants, type Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Entry } from '../safe-fs/entries';
import type { GuestRoot } from '../safe-fs/guest-root';
import type { Metadata } from './file-metadata';
import type { LiveEntry } from './live-files';
import { withoutDefaults } from './proto-defaults';

type FileType = 'FILE_TYPE_FILE' | 'FILE_TYPE_DIRECTORY' | 'FILE_TYPE_SYMLINK';

/** `filesystem.EntryInfo` in proto3 JSON form (docs/protocol.md#envd-filesystem-messages). Defaults are absent. */
export type EntryInfo = {
  readonly name?: string;
  /** Absent for devices, pipes and sockets. */
  readonly type?: FileType;
  readonly path?: string;
  /** int64 */
  readonly size?: string;
  readonly mode?: number;
  readonly permissions?: string;
  readonly owner?: string;
  readonly group?: string;
  /** RFC 3339 */
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
  readonly metadata?: Metadata;
};

type Described = Omit<LiveEntry, 'uid' | 'gid'> & { readonly owner: string; readonly group: string };

/** Type and mode of a link are those of its target; all other fields describe the link itself. */
export function toEntryInfo(
  { path, stat, target }: Entry,
  root: GuestRoot,
  metadataOf: (stat: Stats) => Metadata | undefined = () => undefined,
): EntryInfo {
  const owner = nameOf(stat.uid, root.uid, root);
  const group = nameOf(stat.gid, root.gid, root);
  const { mode, size, mtimeMs } = stat;
  const shownTarget = target ? { path: target.path, mode: target.stat.mode } : null;
  const metadata = metadataOf(target?.stat ?? stat);
  const info = describe({ path, mode, size, mtimeMs, owner, group, target: shownTarget });
  return metadata ? { ...info, metadata } : info;
}

/** @see toEntryInfo */
export function toLiveEntryInfo({ uid, gid, ...entry }: LiveEntry, root: GuestRoot): EntryInfo {
  const nameInside = (id: number) => root.users.find((user) => user.uid === id)?.name ?? String(id);
  return describe({ ...entry, owner: nameInside(uid), group: nameInside(gid) });
}

function describe({ path, mode, size, mtimeMs, owner, group, target }: Described): EntryInfo {
  const resolved = target?.mode ?? mode;
  const info = withoutDefaults({
    name: posix.basename(path) || '/',
    path,
    size: size === 0 ? '' : String(size),
    mode: resolved & 0o777,
    permissions: permissionsOf(mode),
    owner,
    group,
  });
  const type = TYPES[resolved & constants.S_IFMT];
  return {
    ...info,
    ...(type ? { type } : {}),
    modifiedTime: timestampOf(mtimeMs),
    ...(target ? { symlinkTarget: target.path } : {}),
  };
}

/** A link has its own type only where it leads nowhere. */
const TYPES: Readonly<Record<number, FileType>> = {
  [constants.S_IFREG]: 'FILE_TYPE_FILE',
  [constants.S_IFDIR]: 'FILE_TYPE_DIRECTORY',
  [constants.S_IFLNK]: 'FILE_TYPE_SYMLINK',
};

/** Go's format of a mode: kind and special bits or a dash, then the nine permission bits. */
function permissionsOf(mode: number): string {
  const kind = mode & constants.S_IFMT;
  const marks: [boolean, string][] = [
    [kind === constants.S_IFDIR, 'd'],
    [kind === constants.S_IFLNK, 'L'],
    [kind === constants.S_IFBLK || kind === constants.S_IFCHR, 'D'],
    [kind === constants.S_IFIFO, 'p'],
    [kind === constants.S_IFSOCK, 'S'],
    [(mode & 0o4000) !== 0, 'u'],
    [(mode & 0o2000) !== 0, 'g'],
    [kind === constants.S_IFCHR, 'c'],
    [(mode & 0o1000) !== 0, 't'],
  ];
  const kinds = marks.map(([isSet, mark]) => (isSet ? mark : '')).join('') || '-';
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  return kinds + bits.join('');
}

/** The user of a sandbox has another id on the host. Files of the engine belong to root. */
function nameOf(id: number, guestId: number, root: GuestRoot): string {
  const user = root.users.find(({ host }) => (host?.uid ?? guestId) === id);
  if (user) return user.name;
  return id === 0 ? 'root' : String(id);
}

/** A double is exact to about a microsecond. */
function timestampOf(timeMs: number): string {
  const micros = Math.round((timeMs - Math.floor(timeMs)) * 1000);
  const [seconds = '', rest = '000Z'] = new Date(Math.floor(timeMs)).toISOString().split('.');
  return `${seconds}.${rest.slice(0, 3)}${String(Math.min(micros, 999)).padStart(3, '0')}Z`;
}
