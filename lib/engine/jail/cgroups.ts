import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Control groups, where this machine lets us make them: they freeze a sandbox in one step, know its processes without
 * searching, and count what it used. Everything also works without, only slower.
 */

const NAME = 'sandkeeper';

/** One sandbox's group. */
export class Cgroup {
  constructor(readonly path: string) {}

  /** @throws when the process may not be moved there */
  add(pid: number): void {
    writeFileSync(join(this.path, 'cgroup.procs'), String(pid));
  }

  setFrozen(isFrozen: boolean): void {
    writeFileSync(join(this.path, 'cgroup.freeze'), isFrozen ? '1' : '0');
  }

  get isFrozen(): boolean {
    return readFileSync(join(this.path, 'cgroup.events'), 'utf8').includes('frozen 1');
  }

  /** Processes in it, as the host numbers them. */
  get pids(): number[] {
    return readFileSync(join(this.path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  /** CPU time used since the group was made, in microseconds. */
  get cpuMicros(): number {
    return Number(/^usage_usec (\d+)/m.exec(readFileSync(join(this.path, 'cpu.stat'), 'utf8'))?.[1] ?? 0);
  }

  /** Kills what is in it and takes it away; a group that will not go is left for the next start. */
  remove(): void {
    ignoreErrors(() => writeFileSync(join(this.path, 'cgroup.kill'), '1'));
    ignoreErrors(() => rmdirSync(this.path));
  }
}

/** Makes groups below the engine's own one. */
export class Cgroups {
  readonly #parent: string;

  private constructor(parent: string) {
    this.#parent = parent;
  }

  /** Null where the kernel or our rights do not allow it. Groups left by engines that are gone are taken away. */
  static open(): Cgroups | null {
    const own = findOwnGroup();
    if (!own) return null;
    ignoreErrors(() => removeLeftovers(own));
    const parent = join(own, `${NAME}-${process.pid}`);
    try {
      mkdirSync(parent, { recursive: true });
      const trial = new Cgroups(parent).make('trial');
      trial.setFrozen(false);
      trial.remove();
      return new Cgroups(parent);
    } catch {
      ignoreErrors(() => rmdirSync(parent));
      return null;
    }
  }

  /** @throws when the group cannot be made */
  make(name: string): Cgroup {
    const path = join(this.#parent, name);
    mkdirSync(path, { recursive: true });
    return new Cgroup(path);
  }

  close(): void {
    ignoreErrors(() => rmdirSync(this.#parent));
  }
}

/** Where this process stands in the unified hierarchy, as a directory; also on systems that mount it beside the old one. */
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function ignoreErrors(act: () => void): void {
  try {
    act();
  } catch {
    // Best effort: what stays is harmless and is tried again at the next start.
  }
}
