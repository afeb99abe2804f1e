import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a sandbox may use. */
export type Limits = {
  readonly memoryBytes: number;
  /** Cores. */
  readonly cpuCount: number;
  readonly maxProcesses: number;
  /** Size of all its files, and so of one. */
  readonly diskBytes: number;
};

export type Controller = 'memory' | 'cpu' | 'pids';

type Setting = { readonly file: string; readonly value: string; readonly isOptional?: boolean };
/** Of the separate hierarchies of version 1, and of the unified one of version 2. */
type Version = 'v1' | 'v2';

const CONTROLLERS: readonly Controller[] = ['memory', 'cpu', 'pids'];
const CPU_PERIOD_US = 100_000;

/** The files that set a limit. Swap would only slow a sandbox down that exceeds its memory. */
function settingsOf(controller: Controller, version: Version, limits: Limits): Setting[] {
  const memory = String(limits.memoryBytes);
  const quota = Math.round(limits.cpuCount * CPU_PERIOD_US);
  if (controller === 'pids') return [{ file: 'pids.max', value: String(limits.maxProcesses) }];
  if (controller === 'memory') {
    return version === 'v2'
      ? [
          { file: 'memory.max', value: memory },
          { file: 'memory.swap.max', value: '0', isOptional: true },
        ]
      : [
          { file: 'memory.limit_in_bytes', value: memory },
          { file: 'memory.memsw.limit_in_bytes', value: memory, isOptional: true },
        ];
  }
  return version === 'v2'
    ? [{ file: 'cpu.max', value: `${quota} ${CPU_PERIOD_US}` }]
    : [
        { file: 'cpu.cfs_period_us', value: String(CPU_PERIOD_US) },
        { file: 'cpu.cfs_quota_us', value: String(quota) },
      ];
}

type Place = { readonly controller: Controller; readonly version: Version; readonly path: string };

/** The control groups that limit one sandbox. */
export class LimitGroup {
  readonly #places: readonly Place[];

  constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** @throws if the kernel refuses */
  add(pid: number): void {
    for (const { path } of this.#places) writeFileSync(join(path, 'cgroup.procs'), String(pid));
  }

  /** How many processes the kernel has killed for memory; null if it does not limit memory. */
  get memoryKills(): number | null {
    const place = this.#places.find(({ controller }) => controller === 'memory');
    if (!place) return null;
    const file = place.version === 'v2' ? 'memory.events' : 'memory.oom_control';
    try {
      return Number(/^oom_kill (\d+)/m.exec(readFileSync(join(place.path, file), 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  }

  remove(): void {
    for (const { path } of this.#places) ignoreErrors(() => rmdirSync(path));
  }
}

/** Limits sandboxes by control groups, as far as the kernel and the engine's privileges permit. */
export class LimitGroups {
  readonly #parents: readonly Place[];
  #count = 0;

  private constructor(parents: readonly Place[]) {
    this.#parents = parents;
  }

  /** @param unified the engine's own directory in the unified hierarchy, which exists and is writable; null for none */
  static open(name: string, unified: string | null): LimitGroups {
    const parents = CONTROLLERS.flatMap((controller) => {
      const place = tryOpen(controller, name, unified);
      return place ? [place] : [];
    });
    return new LimitGroups(parents);
  }

  limits(controller: Controller): boolean {
    return this.#parents.some((place) => place.controller === controller);
  }

  /** @throws if the kernel refuses */
  make(limits: Limits): LimitGroup {
    this.#count += 1;
    const places = this.#parents.map((parent) => ({
      ...parent,
      path: join(parent.path, String(this.#count)),
    }));
    for (const { controller, version, path } of places) {
      mkdirSync(path, { recursive: true });
      for (const setting of settingsOf(controller, version, limits)) set(path, setting);
    }
    return new LimitGroup(places);
  }

  close(): void {
    for (const { version, path } of this.#parents) if (version === 'v1') removeTree(path);
  }
}

const SMALL: Limits = { memoryBytes: 2 ** 27, cpuCount: 1, maxProcesses: 64, diskBytes: 0 };

/** Finds where a controller can limit sandboxes, by a trial. */
function tryOpen(controller: Controller, name: string, unified: string | null): Place | null {
  for (const place of [ofUnified(controller, name, unified), ofHierarchy(controller, name)]) {
    if (!place) continue;
    const trial = join(place.path, 'trial');
    try {
      if (place.version === 'v1') removeLeftovers(place.path);
      mkdirSync(trial, { recursive: true });
      for (const setting of settingsOf(controller, place.version, SMALL)) set(trial, setting);
      return place;
    } catch {
      // Not writable, or the controller is not delegated to this group.
    } finally {
      ignoreErrors(() => rmdirSync(trial));
    }
  }
  return null;
}

/** In version 2, a group passes a controller on to its children only if no process is in the group itself. */
function ofUnified(controller: Controller, name: string, unified: string | null): Place | null {
  if (unified === null) return null;
  const path = join(unified, name);
  try {
    if (!readFileSync(join(unified, 'cgroup.controllers'), 'utf8').split(/\s/).includes(controller))
      return null;
    for (const group of [unified, path])
      writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
    return { controller, version: 'v2', path };
  } catch {
    return null;
  }
}

function ofHierarchy(controller: Controller, name: string): Place | null {
  try {
    const own = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm');
    const inside = own.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    const mount = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find(
        (line) => / - cgroup /.test(line) && (line.split(' ').at(-1) ?? '').split(',').includes(controller),
      );
    const [, , , root = '/', place] = mount?.split(' ') ?? [];
    if (inside === undefined || place === undefined) return null;
    const below = root !== '/' && inside.startsWith(root) ? inside.slice(root.length) : inside;
    return { controller, version: 'v1', path: join(place, below, name) };
  } catch {
    return null;
  }
}

/** Groups of engines that have ended. */
function removeLeftovers(parent: string): void {
  const above = join(parent, '..');
  for (const name of readdirSync(above)) {
    const pid = Number(/^sandkeeper-(\d+)$/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isAlive(pid)) continue;
    removeTree(join(above, name));
  }
}

/** Removes a group and those in it, unless they still have processes. */
function removeTree(path: string): void {
  ignoreErrors(() => {
    for (const group of readdirSync(path, { withFileTypes: true })) {
      if (group.isDirectory()) ignoreErrors(() => rmdirSync(join(path, group.name)));
    }
    rmdirSync(path);
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function set(path: string, { file, value, isOptional = false }: Setting): void {
  try {
    writeFileSync(join(path, file), value);
  } catch (error) {
    if (!isOptional) throw error;
  }
}

function ignoreErrors(work: () => void): void {
  try {
    work();
  } catch {
    // A leftover group is harmless. The next start tries to remove it.
  }
}
