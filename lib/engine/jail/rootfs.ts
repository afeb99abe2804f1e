import { chownSync, lstatSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Guest } from '../guests';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { filesOfTemplate } from '../template-files';
import { type HostIds, readHostIds, releaseHostIds, takeHostIds } from './host-ids';
import { layOut, readHostText, repair, Skeleton } from './skeleton';

/** The one user and group that exist inside a sandbox, by number. */
export const INSIDE_UID = 1000;
export const INSIDE_GID = 1000;
export const HOST_NAME = 'moru';

/**
 * `root` is accepted because callers ask for it, and is the same person: a second uid would need privileges that a
 * sandbox must not have. It differs by home and name in the environment, and may not do more (nor less).
 */
const USERS: readonly GuestUser[] = [
  { name: 'user', uid: INSIDE_UID, gid: INSIDE_GID, home: '/home/user' },
  { name: 'root', uid: INSIDE_UID, gid: INSIDE_GID, home: '/root' },
];

/** Host path of a sandbox's root, whether it exists or not. */
export const rootDirOf = (guest: Pick<Guest, 'dataDir'>) => join(guest.dataDir, 'root');

/**
 * The sandbox's root, made with its skeleton at first use. Synchronous underneath, so two callers never meet half-way.
 * @throws when the directory cannot be made (no space, no permission)
 */
export async function prepareRoot(guest: Guest): Promise<GuestRoot> {
  const rootDir = rootDirOf(guest);
  const ids = readHostIds(rootDir) ?? makeRoot(guest, rootDir);
  return { rootDir, uid: ids.uid, gid: ids.gid, users: USERS };
}

/**
 * Puts the places that mounts need back in order; call before each start, while no process of the sandbox runs.
 * @throws when the sandbox's files leave no room or right to do so
 */
export function repairRoot(root: GuestRoot): void {
  const skeleton = new Skeleton(root.rootDir, root);
  try {
    repair(skeleton);
  } finally {
    skeleton.close();
  }
}

/** Gives back what a sandbox held besides its directory; call with the ids once the directory is gone. */
export function forgetRoot(guest: Pick<Guest, 'dataDir'>, ids: HostIds): void {
  releaseHostIds(dirname(guest.dataDir), ids.uid);
}

/** Laid out beside its place and moved there when complete: a root that exists is a whole one. */
function makeRoot(guest: Guest, rootDir: string): HostIds {
  mkdirSync(guest.dataDir, { recursive: true, mode: 0o711 });
  const ids = takeHostIds(dirname(guest.dataDir));
  const draft = join(guest.dataDir, `draft-${process.pid}-${Date.now()}`);
  mkdirSync(draft, { mode: 0o755 });
  const skeleton = new Skeleton(draft, ids);
  try {
    layOut(skeleton, filesOf(guest));
  } finally {
    skeleton.close();
  }
  chownSync(draft, ids.uid, ids.gid);
  if (!lstatSync(rootDir, { throwIfNoEntry: false })) renameSync(draft, rootDir);
  return ids;
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
    'etc/profile': '[ -n "$BASH_VERSION" ] && [ -r ~/.bashrc ] && . ~/.bashrc\n',
    'home/user/.bashrc': SHELL_SETUP,
    'root/.bashrc': SHELL_SETUP,
    'run/moru/.MORU_SANDBOX': 'true',
    'run/moru/.MORU_SANDBOX_ID': guest.id,
    'run/moru/.MORU_TEMPLATE_ID': guest.templateId,
    ...filesOfTemplate(guest.templateId),
  };
}

const SHELL_SETUP = `case $- in *i*) ;; *) return ;; esac
PS1='\\u@\\h:\\w\\$ '
alias ls='ls --color=auto'
`;
