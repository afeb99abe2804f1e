import type { Guest, GuestContext } from '../guests';
import { DiskGuard } from './disk-guard';
import { MemoryGuard } from './memory-guard';
import { OOM_SCORES, setOomScore } from './oom-score';
import { findTree, type ProcessStat } from './process-tree';
import { rootDirOf } from './rootfs';
import type { Sandbox } from './sandbox';
import type { Session } from './session';

/** Between two looks at a session: the closer it is to a limit, the shorter. */
const MIN_INTERVAL_MS = 25;
const MAX_INTERVAL_MS = 500;
const MEBIBYTE = 1024 * 1024;

/** What the guard knows of one session. */
type Watched = {
  readonly memory: MemoryGuard;
  readonly disk: DiskGuard;
  memoryKills: number;
  /** Processes besides the sandbox's own init and its agent, by pid. */
  started: ReadonlySet<number>;
  dueMs: number;
};

export type GuardOptions = {
  readonly context: GuestContext;
  readonly sandboxes: ReadonlyMap<string, Sandbox>;
  /** Absolute path of the program. */
  readonly prlimit: string;
  quotaBytes(guest: Guest): number;
};

/**
 * Keeps sandboxes within their memory and disk where the kernel does not, and logs the processes that it or the kernel has
 * killed for that. See `MemoryGuard` and `DiskGuard`.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #watched = new WeakMap<Session, Watched>();
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = 0;
  #isStopped = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#lookIn(MAX_INTERVAL_MS);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Looks soon, because the sandbox is about to do something. */
  wake(id: string): void {
    const session = this.#options.sandboxes.get(id)?.running;
    const watched = session && this.#watched.get(session);
    if (watched) watched.dueMs = 0;
    this.#lookIn(MIN_INTERVAL_MS);
  }

  /** Lets the processes that a sandbox is about to start use the space that has become free. */
  async refresh(id: string): Promise<void> {
    const session = this.#options.sandboxes.get(id)?.running;
    const refreshed = session && this.#watched.get(session)?.disk.refresh();
    await refreshed?.catch((error: unknown) => this.#warn(id, error));
  }

  #lookIn(ms: number): void {
    const dueMs = performance.now() + ms;
    if (this.#isStopped || (this.#timer && this.#timerDueMs <= dueMs)) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#lookIn(this.#look());
    }, ms);
    this.#timer.unref();
  }

  /** Checks the sessions that are due. @returns how soon the next one is, in ms */
  #look(): number {
    let nextMs = MAX_INTERVAL_MS;
    for (const [id, sandbox] of this.#options.sandboxes) {
      const session = sandbox.running;
      const guest = this.#options.context.findGuest(id);
      if (!session || guest?.state !== 'running' || session.jail.isEnding) continue;
      try {
        const watched = this.#watch(guest, session);
        if (watched.dueMs <= performance.now()) {
          const dueMs = Math.min(
            Math.max(this.#check(guest, session, watched), MIN_INTERVAL_MS),
            MAX_INTERVAL_MS,
          );
          watched.dueMs = performance.now() + dueMs;
        }
        nextMs = Math.min(nextMs, Math.max(MIN_INTERVAL_MS, watched.dueMs - performance.now()));
      } catch (error) {
        // It may have ended meanwhile.
        if (sandbox.running === session && !session.jail.isEnding) this.#warn(id, error);
      }
    }
    return nextMs;
  }

  #watch(guest: Guest, session: Session): Watched {
    const known = this.#watched.get(session);
    if (known) return known;
    const { prlimit, quotaBytes } = this.#options;
    const limit = { rootDir: rootDirOf(guest), quotaBytes: quotaBytes(guest), prlimit };
    const disk = new DiskGuard(session.jail, limit, (killed) =>
      this.#log(guest, noSpace(limit.quotaBytes, killed)),
    );
    const watched = { memory: new MemoryGuard(), disk, memoryKills: 0, started: new Set<number>(), dueMs: 0 };
    this.#watched.set(session, watched);
    return watched;
  }

  /** @returns how soon to look again in ms */
  #check(guest: Guest, session: Session, watched: Watched): number {
    const tree = findTree(session.jail.init.pid);
    exposePrograms(watched, tree);
    // The sandbox's own init and its agent fill nothing.
    const isIdle = tree.length <= 2;
    const kills = session.jail.limitGroup?.memoryKills ?? null;
    let memoryDueMs = MAX_INTERVAL_MS;
    if (kills === null) {
      const { killed, dueMs } = watched.memory.check(guest, tree, watched.disk.device);
      if (killed > 0) this.#log(guest, outOfMemory(guest));
      memoryDueMs = dueMs;
    } else if (kills > watched.memoryKills) {
      watched.memoryKills = kills;
      this.#log(guest, outOfMemory(guest));
    }
    const diskDueMs = watched.disk.check(tree, (error) => {
      if (!session.jail.isEnding) this.#warn(guest.id, error);
    });
    return isIdle ? MAX_INTERVAL_MS : Math.min(memoryDueMs, diskDueMs);
  }

  #warn(id: string, error: unknown): void {
    this.#options.context.warn(`Checking the limits of ${id} failed: ${error}`);
  }

  #log({ id }: Guest, message: string): void {
    this.#options.context.sink.recordLog(id, {
      timestampMs: Date.now(),
      eventType: 'stderr',
      message,
      fields: {},
    });
  }
}

/** Programs inherit the score of the agent, which must outlive them. */
function exposePrograms(watched: Watched, tree: readonly ProcessStat[]): void {
  const started = new Set(tree.slice(2).map(({ pid }) => pid));
  for (const pid of started) if (!watched.started.has(pid)) setOomScore(pid, OOM_SCORES.program);
  watched.started = started;
}

const outOfMemory = ({ memoryMB }: Guest) =>
  `Out of memory: the sandbox exceeded its ${memoryMB} MiB, and its largest process was killed.`;

const noSpace = (quotaBytes: number, killed: number) =>
  `No space left: the files exceed ${Math.floor(quotaBytes / MEBIBYTE)} MiB, and ${killed} writing processes were killed.`;
