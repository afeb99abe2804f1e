import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Guest } from '../guests';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { filesOfTemplate } from '../template-files';
import { type HostIds, readHostIds, releaseHostIds, rootIdsOf, takeHostIds } from './host-ids';
import { seccompProgram } from './seccomp';
import { populate, readHostText, repair, Skeleton, sharedDirectories } from './skeleton';

export const INSIDE_UID = 1000;
export const INSIDE_GID = 1000;
export const HOST_NAME = 'moru';

/**
 * Clients may request `root`. Where the kernel maps a second user into the sandbox it is uid 0 inside, with the capabilities
 * that change files and users. Elsewhere only its name and home differ from those of `user`.
 */
function usersOf(ids: HostIds, rootIds: HostIds | null): readonly GuestUser[] {
  const user = { name: 'user', uid: INSIDE_UID, gid: INSIDE_GID, home: '/home/user', host: ids };
  const root = { name: 'root', home: '/root' };
  return rootIds ? [user, { ...root, uid: 0, gid: 0, host: rootIds }] : [user, { ...user, ...root }];
}

/** Without the filter of system calls, the capabilities of `root` inside would reach too much of the kernel. */
const hasFilter = seccompProgram(process.arch) !== null;

/** Mounted in the sandbox's own namespace only. */
const LIVE_DIRS: ReadonlySet<string> = new Set(['proc', 'dev']);

/** By name in `/`. */
const SHARED_DIRS: Readonly<Record<string, string>> = Object.fromEntries(
  sharedDirectories()
    .filter((path) => dirname(path) === '/')
    .map((path) => [path.slice(1), path]),
);

export const rootDirOf = (guest: Pick<Guest, 'dataDir'>) => join(guest.dataDir, 'root');

/**
 * Returns the sandbox's root and creates it at first use. The creation is synchronous, which excludes races.
 * @throws if the directory cannot be created
 */
export async function prepareRoot(guest: Guest): Promise<GuestRoot> {
  const rootDir = rootDirOf(guest);
  const ids = readHostIds(rootDir) ?? makeRoot(guest, rootDir);
  const rootIds = hasFilter ? rootIdsOf(ids) : null;
  return {
    ...{ rootDir, uid: ids.uid, gid: ids.gid, rootIds, users: usersOf(ids, rootIds) },
    liveDirs: LIVE_DIRS,
    sharedDirs: SHARED_DIRS,
  };
}

/**
 * Repairs the mount points and modes. Call before each start, while no process of the sandbox runs.
 * @throws if the disk is full or permissions prevent it
 */
export function repairRoot(root: GuestRoot): void {
  closeToOthers(dirname(root.rootDir), root.rootDir, root);
  const skeleton = new Skeleton(root.rootDir, root);
  try {
    repair(skeleton);
  } finally {
    skeleton.close();
  }
}

/** Releases a sandbox's host ids. Call after its directory has been removed. */
export function releaseRoot(guest: Pick<Guest, 'dataDir'>, ids: HostIds): void {
  releaseHostIds(dirname(guest.dataDir), ids.uid);
}

/** Creates the root under a temporary name and renames it when complete, so that no partial root is ever used. */
function makeRoot(guest: Guest, rootDir: string): HostIds {
  mkdirSync(guest.dataDir, { recursive: true, mode: 0o700 });
  const ids = takeHostIds(dirname(guest.dataDir));
  const draft = join(guest.dataDir, `draft-${process.pid}-${Date.now()}`);
  mkdirSync(draft, { mode: 0o700 });
  const skeleton = new Skeleton(draft, ids);
  try {
    populate(skeleton, filesOf(guest));
  } finally {
    skeleton.close();
  }
  chownSync(draft, ids.uid, ids.gid);
  closeToOthers(guest.dataDir, draft, ids);
  if (!lstatSync(rootDir, { throwIfNoEntry: false })) renameSync(draft, rootDir);
  return ids;
}

/**
 * Keeps other users of the machine out. The sandbox owns its root and may open it, so the directory around it, which only the
 * group that starts the sandbox may pass, is what counts.
 */
export function closeToOthers(dataDir: string, rootDir: string, { uid, gid }: HostIds): void {
  const isSeparate = process.getuid?.() !== uid;
  const entering = (hasFilter ? rootIdsOf({ uid, gid }) : null) ?? { gid };
  if (isSeparate) chownSync(dataDir, process.getuid?.() ?? 0, entering.gid);
  chmodSync(dataDir, isSeparate ? 0o710 : 0o700);
  chmodSync(rootDir, 0o700);
}

function filesOf(guest: Guest): Record<string, string> {
  const id = INSIDE_UID;
  return {
    'etc/passwd': [
      'root:x:0:0:root:/root:/bin/bash',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      `user:x:${id}:${INSIDE_GID}:user:/home/user:/bin/bash`,
      '',
    ].join('\n'),
    'etc/group': `root:x:0:\nnogroup:x:65534:\nuser:x:${INSIDE_GID}:\n`,
    'etc/hosts': `127.0.0.1\tlocalhost ${HOST_NAME}\n::1\tlocalhost ip6-localhost\n`,
    'etc/hostname': `${HOST_NAME}\n`,
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
    'etc/services': readHostText('/etc/services'),
    ...openSslSettings(),
    'etc/profile': '[ -n "$BASH_VERSION" ] && [ -r ~/.bashrc ] && . ~/.bashrc\n',
    'home/user/.bashrc': SHELL_SETUP,
    'root/.bashrc': SHELL_SETUP,
    ...identityFiles(guest),
    ...filesOfTemplate(guest.templateId),
  };
}

/** The settings without which `openssl req` makes no certificate. They belong to the program, which sandboxes see. */
function openSslSettings(): Record<string, string> {
  const settings = readHostText('/etc/ssl/openssl.cnf');
  return settings === '' ? {} : { 'etc/ssl/openssl.cnf': settings };
}

type Identity = Pick<Guest, 'dialect' | 'id' | 'templateId'>;

/** The files that tell a sandbox who it is, where the clients of its service expect them. */
export function identityFiles({ dialect, id, templateId }: Identity): Record<string, string> {
  const prefix = dialect.toUpperCase();
  return {
    [`run/${dialect}/.${prefix}_SANDBOX`]: 'true',
    [`run/${dialect}/.${prefix}_SANDBOX_ID`]: id,
    [`run/${dialect}/.${prefix}_TEMPLATE_ID`]: templateId,
  };
}

const SHELL_SETUP = `case $- in *i*) ;; *) return ;; esac
PS1='\\u@\\h:\\w\\$ '
alias ls='ls --color=auto'
`;
