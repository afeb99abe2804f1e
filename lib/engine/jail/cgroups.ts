import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from './limit-groups';

/**
 * The unified control groups, if the machine permits creating them. They freeze a sandbox in one step, list its processes and
 * count its CPU time. Without them the engine uses slower methods.
 */

const NAME = 'sandkeeper';
/** The directory of this engine's groups in each hierarchy. */
export const OWN_GROUP = `${NAME}-${process.pid}`;

export class Cgroup {
  constructor(readonly path: string) {}

  add(pid: number): void {
    writeFileSync(join(this.path, 'cgroup.procs'), String(pid));
  }

  setFrozen(isFrozen: boolean): void {
    writeFileSync(join(this.path, 'cgroup.freeze'), isFrozen ? '1' : '0');
  }

  get isFrozen(): boolean {
    return readFileSync(join(this.path, 'cgroup.events'), 'utf8').includes('frozen 1');
  }

  get pids(): number[] {
    return readFileSync(join(this.path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  get cpuMicros(): number {
    return Number(/^usage_usec (\d+)/m.exec(readFileSync(join(this.path, 'cpu.stat'), 'utf8'))?.[1] ?? 0);
  }

  /** Kills its processes and removes the group. If that fails, the next engine removes it. */
  remove(): void {
    ignoreErrors(() => writeFileSync(join(this.path, 'cgroup.kill'), '1'));
    ignoreErrors(() => rmdirSync(this.path));
  }
}

export class Cgroups {
  readonly #parent: string;
  #count = 0;

  private constructor(
    parent: string,
    /** The directory of the engine's own group. */
    readonly own: string,
  ) {
    this.#parent = parent;
  }

  /** Null if the kernel or the engine's privileges do not permit it. Removes groups of engines that have ended. */
  static open(): Cgroups | null {
    const own = findOwnGroup();
    if (!own) return null;
    ignoreErrors(() => removeLeftovers(own));
    const parent = join(own, OWN_GROUP);
    try {
      mkdirSync(parent, { recursive: true });
      const trial = new Cgroups(parent, own).make();
      trial.setFrozen(false);
      trial.remove();
      return new Cgroups(parent, own);
    } catch {
      ignoreErrors(() => rmdirSync(parent));
      return null;
    }
  }

  /** The name tells nothing about the sandbox, because every user of the machine can read it. */
  make(): Cgroup {
    this.#count += 1;
    const path = join(this.#parent, String(this.#count));
    mkdirSync(path, { recursive: true });
    return new Cgroup(path);
  }

  close(): void {
    ignoreErrors(() => rmdirSync(this.#parent));
  }
}

/** Directory of this process's group in the unified hierarchy, also on systems with a hybrid hierarchy. */
function findOwnGroup(): string | null {
  try {
    const inside = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    const [, , , root, place] = findMountLine().split(' ');
    if (inside === undefined || root === undefined || place === undefined) return null;
    const below = root !== '/' && inside.startsWith(root) ? inside.slice(root.length) : inside;
    return join(place, below);
  } catch {
    return null;
  }
}

const findMountLine = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 ')) ?? '';

function removeLeftovers(own: string): void {
  for (const name of readdirSync(own)) {
    const [, pid] = new RegExp(`^${NAME}-(\\d+)$`).exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    for (const group of readdirSync(join(own, name), { withFileTypes: true })) {
      if (group.isDirectory()) new Cgroup(join(own, name, group.name)).remove();
    }
    ignoreErrors(() => rmdirSync(join(own, name)));
  }
}

function ignoreErrors(work: () => void): void {
  try {
    work();
  } catch {
    // A leftover group is harmless. The next start tries to remove it.
  }
}
