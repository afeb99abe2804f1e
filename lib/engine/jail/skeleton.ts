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

/** Where the engine's own things are mounted inside; nothing of the sandbox lives there. */
export const ENGINE_MOUNT = '/run/moru/engine';

/** Directories of the host's root that a system with merged /usr keeps as links. */
const SYSTEM_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_CREAT, O_EXCL, O_WRONLY } = constants;

/** Directories that something is mounted on. Repaired before every start. */
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

/** Directories under /etc that only point into /usr and that many commands need (`awk`, `vi`). */
function sharedConfig(): string[] {
  return exists('/etc/alternatives') ? ['etc/alternatives'] : [];
}

/** Host directories that are shown read-only at the same place, in the order in which they must be mounted. */
export function sharedDirectories(): string[] {
  const separate = SYSTEM_LINKS.filter((name) => !isLink(`/${name}`) && exists(`/${name}`));
  return ['usr', ...separate, ...sharedConfig()].map((name) => `/${name}`);
}

/** A sandbox's root, open. Every step is one component below a descriptor, so no link is ever followed. */
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

  /** Makes the directory and its parents; whatever else is in the way is moved aside as `<name>.replaced-<n>`. */
  ensureDirectory(path: string, mode = 0o755): void {
    closeSync(this.#openDirectory(path, mode));
  }

  /** Writes a file that is not there yet; never touches an existing entry. */
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

  /** Makes an empty file where there is none; a link or a directory in its place is moved aside. */
  ensureFile(path: string): void {
    this.#inParent(path, (parent, name) => {
      if (lstatSync(at(parent, name), { throwIfNoEntry: false })?.isFile() !== true)
        setAside(at(parent, name));
    });
    this.addFile(path, '');
  }

  /** Makes a link that is not there yet. */
  addLink(path: string, target: string): void {
    this.#inParent(path, (parent, name) => {
      if (exists(at(parent, name))) return;
      symlinkSync(target, at(parent, name));
      lchownSync(at(parent, name), this.#owner.uid, this.#owner.gid);
    });
  }

  /** Makes the link again where something else stands: these lead to the programs that start a sandbox. */
  repairLink(path: string, target: string): void {
    this.#inParent(path, (parent, name) => {
      const place = at(parent, name);
      if (isLink(place) && readlinkSync(place) === target) return;
      setAside(place);
    });
    this.addLink(path, target);
  }

  #inParent(path: string, act: (parent: number, name: string) => void): void {
    const cut = path.lastIndexOf('/');
    const parent = this.#openDirectory(cut < 0 ? '' : path.slice(0, cut), 0o755);
    try {
      act(parent, path.slice(cut + 1));
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
    if (found && !found.isDirectory()) setAside(place);
    const isNew = !found?.isDirectory();
    if (isNew) mkdirSync(place, 0o700);
    const child = openSync(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (isNew) {
      fchownSync(child, this.#owner.uid, this.#owner.gid);
      fchmodSync(child, mode);
    } else if ((fstatSync(child).mode & 0o500) !== 0o500) {
      // Made unreadable by the sandbox itself: mounting below it would fail.
      fchmodSync(child, mode);
    }
    return child;
  }
}

/** Lays down what a sandbox finds at its first start; nothing that exists is changed. */
export function layOut(skeleton: Skeleton, files: Readonly<Record<string, string>>): void {
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

/** Puts every place that something is mounted on or reached through back in order. */
export function repair(skeleton: Skeleton): void {
  for (const path of mountPoints()) skeleton.ensureDirectory(path);
  skeleton.ensureFile('etc/resolv.conf');
  for (const name of SYSTEM_LINKS) {
    if (isLink(`/${name}`)) skeleton.repairLink(name, readlinkSync(`/${name}`));
  }
}

/** A host file's text, or nothing where it cannot be read. */
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

/** Links and files in the way of a mount point: a link is worth nothing, a file may be somebody's work. */
function setAside(place: string): void {
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
