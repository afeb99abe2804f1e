import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { HostIds } from './host-ids';

export const ENGINE_MOUNT = '/run/moru/engine';

/** Directories of the host's root that are links on a system with merged /usr. */
const SYSTEM_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_CREAT, O_EXCL, O_WRONLY } = constants;

function mountPoints(): string[] {
  const shared = SYSTEM_LINKS.filter((name) => !isLink(`/${name}`) && exists(`/${name}`));
  return [
    'usr',
    'proc',
    'dev',
    'etc',
    'run',
    'run/moru',
    'run/moru/engine',
    'etc/ssl/certs',
    ...shared,
    ...sharedConfig(),
  ];
}

/** Directories under /etc with links into /usr that commands such as `awk` and `vi` need. */
function sharedConfig(): string[] {
  return exists('/etc/alternatives') ? ['etc/alternatives'] : [];
}

/** Host directories to mount read-only at the same path, in mount order. */
export function sharedDirectories(): string[] {
  const separate = SYSTEM_LINKS.filter((name) => !isLink(`/${name}`) && exists(`/${name}`));
  return ['usr', ...separate, ...sharedConfig()].map((name) => `/${name}`);
}

/** The links of the host's root into /usr, with their targets. */
export function systemLinks(): [name: string, target: string][] {
  return SYSTEM_LINKS.filter((name) => isLink(`/${name}`)).map((name) => [name, readlinkSync(`/${name}`)]);
}

/** Edits a sandbox's root. Each step opens one component below a descriptor and never follows a link. */
export class Skeleton {
  readonly #owner: HostIds;
  readonly #root: number;

  constructor(rootDir: string, owner: HostIds) {
    this.#owner = owner;
    this.#root = openSync(rootDir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  close(): void {
    closeSync(this.#root);
  }

  /** Creates a directory and its parents. Renames a file in the way to `<name>.replaced-<n>`; removes a link. */
  ensureDirectory(path: string, mode = 0o755): void {
    closeSync(this.#openDirectory(path, mode));
  }

  addFile(path: string, text: string): void {
    this.#inParent(path, (parent, name) => {
      if (exists(at(parent, name))) return;
      const file = openSync(at(parent, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
      try {
        writeFileSync(file, text);
        fchownSync(file, this.#owner.uid, this.#owner.gid);
      } finally {
        closeSync(file);
      }
    });
  }

  /** Removes a file or link. Moves a directory aside. */
  removeFile(path: string): void {
    this.#inParent(path, (parent, name) => {
      const place = at(parent, name);
      if (lstatSync(place, { throwIfNoEntry: false })?.isFile() === true) unlinkSync(place);
      else moveAside(place);
    });
  }

  ensureFile(path: string): void {
    this.#inParent(path, (parent, name) => {
      if (lstatSync(at(parent, name), { throwIfNoEntry: false })?.isFile() !== true)
        moveAside(at(parent, name));
    });
    this.addFile(path, '');
  }

  addLink(path: string, target: string): void {
    this.#inParent(path, (parent, name) => {
      if (exists(at(parent, name))) return;
      symlinkSync(target, at(parent, name));
      lchownSync(at(parent, name), this.#owner.uid, this.#owner.gid);
    });
  }

  /** Restores a link and moves any other entry aside. The programs that start a sandbox are reached through these. */
  repairLink(path: string, target: string): void {
    this.#inParent(path, (parent, name) => {
      const entry = at(parent, name);
      if (isLink(entry) && readlinkSync(entry) === target) return;
      moveAside(entry);
    });
    this.addLink(path, target);
  }

  #inParent(path: string, edit: (parent: number, name: string) => void): void {
    const cut = path.lastIndexOf('/');
    const parent = this.#openDirectory(cut < 0 ? '' : path.slice(0, cut), 0o755);
    try {
      edit(parent, path.slice(cut + 1));
    } finally {
      closeSync(parent);
    }
  }

  #openDirectory(path: string, mode: number): number {
    let current = openSync(at(this.#root, '.'), O_RDONLY | O_DIRECTORY);
    const names = path.split('/').filter(Boolean);
    try {
      names.forEach((name, index) => {
        const next = this.#openChild(current, name, index === names.length - 1 ? mode : 0o755);
        closeSync(current);
        current = next;
      });
      return current;
    } catch (error) {
      closeSync(current);
      throw error;
    }
  }

  #openChild(parent: number, name: string, mode: number): number {
    const place = at(parent, name);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) moveAside(place);
    const isNew = !found?.isDirectory();
    if (isNew) mkdirSync(place, 0o700);
    const child = openSync(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (isNew) {
      fchownSync(child, this.#owner.uid, this.#owner.gid);
      fchmodSync(child, mode);
    } else if ((fstatSync(child).mode & 0o500) !== 0o500) {
      // The sandbox has made the directory unreadable, which would prevent mounts below it.
      fchmodSync(child, mode);
    }
    return child;
  }
}

/** Creates the initial files of a sandbox. Leaves existing entries unchanged. */
export function populate(skeleton: Skeleton, files: Readonly<Record<string, string>>): void {
  for (const path of [
    'home/user',
    'data',
    'workspace',
    'mnt',
    'opt',
    'srv',
    'var/lib',
    'var/log',
    'var/cache',
  ]) {
    skeleton.ensureDirectory(path);
  }
  skeleton.ensureDirectory('root', 0o700);
  skeleton.ensureDirectory('tmp', 0o1777);
  skeleton.ensureDirectory('var/tmp', 0o1777);
  repair(skeleton);
  for (const [path, text] of Object.entries(files)) skeleton.addFile(path, text);
  skeleton.addLink('etc/mtab', '../proc/self/mounts');
  skeleton.addLink('etc/os-release', '../usr/lib/os-release');
  skeleton.addLink('etc/localtime', '../usr/share/zoneinfo/Etc/UTC');
}

/** Restores every mount point and every link that leads to one. */
export function repair(skeleton: Skeleton): void {
  for (const path of mountPoints()) skeleton.ensureDirectory(path);
  skeleton.ensureFile('etc/resolv.conf');
  for (const [name, target] of systemLinks()) skeleton.repairLink(name, target);
}

export function readHostText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const at = (directory: number, name: string) => `/proc/self/fd/${directory}/${name}`;
const exists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** Removes a link. Renames any other entry, which may contain someone's work. */
function moveAside(place: string): void {
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (!found) return;
  if (found.isSymbolicLink()) {
    unlinkSync(place);
    return;
  }
  let n = 1;
  while (exists(`${place}.replaced-${n}`)) n += 1;
  renameSync(place, `${place}.replaced-${n}`);
}
