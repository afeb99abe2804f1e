import type { Guest, GuestContext } from '../guests';
import { measureDirectory } from '../safe-fs/disk-use';
import { privateBytes } from './meter';
import { type ProcessStat, readAllProcesses, signalProcess, treeOf } from './process-tree';
import { rootDirOf } from './rootfs';
import type { Sandbox } from './sandbox';
import type { Session } from './session';
import { readHostText } from './skeleton';

const INTERVAL_MS = 500;
/** Samples above the limit of memory until a process is killed. A short peak is no reason to. */
const MAX_SAMPLES_ABOVE = 2;
/** A process that has written less since the last sample is not the one that fills the disk. */
const MIN_WRITTEN_BYTES = 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** What the guard knows of one session. */
type Watched = {
  samplesAbove: number;
  memoryKills: number;
  /** Of the files, by the last measurement, and what all processes had written by then. */
  measuredBytes: number | null;
  writtenAtMeasure: number;
  isMeasuring: boolean;
  /** By process. */
  written: Map<number, number>;
};

export type GuardOptions = {
  readonly context: GuestContext;
  readonly sandboxes: ReadonlyMap<string, Sandbox>;
  quotaBytes(guest: Guest): number;
  readonly intervalMs?: number | undefined;
};

/**
 * Keeps sandboxes within their memory and disk where the kernel does not: it kills the largest process of a sandbox that has
 * exceeded its memory for about a second, and the processes that write on once its files exceed their quota. It also logs the
 * processes that the kernel killed for memory.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #watched = new WeakMap<Session, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#trySample(), options.intervalMs ?? INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A sandbox may end while it is sampled. */
  #trySample(): void {
    try {
      this.#sample();
    } catch (error) {
      this.#options.context.warn(`Checking the limits of the sandboxes failed: ${error}`);
    }
  }

  #sample(): void {
    let all: Map<number, ProcessStat> | undefined;
    for (const [id, sandbox] of this.#options.sandboxes) {
      const session = sandbox.running;
      const guest = this.#options.context.findGuest(id);
      if (!session || guest?.state !== 'running' || session.jail.isEnding) continue;
      all ??= readAllProcesses();
      this.#check(guest, session, treeOf(session.jail.init.pid, all));
    }
  }

  #check(guest: Guest, session: Session, tree: readonly ProcessStat[]): void {
    const watched = this.#watched.get(session) ?? newWatched();
    this.#watched.set(session, watched);
    const kills = session.jail.limitGroup?.memoryKills ?? null;
    if (kills === null) this.#checkMemory(guest, watched, tree);
    else if (kills > watched.memoryKills) {
      watched.memoryKills = kills;
      this.#log(guest, outOfMemory(guest));
    }
    this.#checkDisk(guest, watched, tree);
  }

  #checkMemory(guest: Guest, watched: Watched, tree: readonly ProcessStat[]): void {
    const sizes = tree.map((process) => ({ process, bytes: privateBytes(process.pid) }));
    const usedBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    watched.samplesAbove = usedBytes > guest.memoryMB * MEBIBYTE ? watched.samplesAbove + 1 : 0;
    if (watched.samplesAbove < MAX_SAMPLES_ABOVE) return;
    // The first two are the sandbox's own init and its agent.
    const [largest] = sizes.slice(2).sort((a, b) => b.bytes - a.bytes);
    if (!largest || !signalProcess(largest.process, 'SIGKILL')) return;
    watched.samplesAbove = 0;
    this.#log(guest, outOfMemory(guest));
  }

  /** Measures the files only when what was written since could have filled the disk. */
  #checkDisk(guest: Guest, watched: Watched, tree: readonly ProcessStat[]): void {
    const written = new Map(tree.map(({ pid }) => [pid, writtenBytes(pid)]));
    const total = [...written.values()].reduce((sum, bytes) => sum + bytes, 0);
    const writers = tree
      .slice(2)
      .filter(({ pid }) => (written.get(pid) ?? 0) - (watched.written.get(pid) ?? 0) >= MIN_WRITTEN_BYTES);
    watched.written = written;
    const quotaBytes = this.#options.quotaBytes(guest);
    const estimate = (watched.measuredBytes ?? 0) + total - watched.writtenAtMeasure;
    if (writers.length === 0 || estimate <= quotaBytes || watched.isMeasuring) return;
    watched.isMeasuring = true;
    void this.#enforceDisk(guest, watched, { writers, total, quotaBytes });
  }

  async #enforceDisk(
    guest: Guest,
    watched: Watched,
    found: { writers: readonly ProcessStat[]; total: number; quotaBytes: number },
  ): Promise<void> {
    try {
      watched.measuredBytes = await measureDirectory(rootDirOf(guest));
      watched.writtenAtMeasure = found.total;
      if (watched.measuredBytes <= found.quotaBytes) return;
      const killed = found.writers.filter((process) => signalProcess(process, 'SIGKILL'));
      const limit = `${Math.floor(found.quotaBytes / MEBIBYTE)} MiB`;
      if (killed.length > 0)
        this.#log(
          guest,
          `No space left: the files exceed ${limit}, and ${killed.length} writing processes were killed.`,
        );
    } catch (error) {
      this.#options.context.warn(`Measuring the files of ${guest.id} failed: ${error}`);
    } finally {
      watched.isMeasuring = false;
    }
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

const outOfMemory = ({ memoryMB }: Guest) =>
  `Out of memory: the sandbox exceeded its ${memoryMB} MiB, and its largest process was killed.`;

function newWatched(): Watched {
  return {
    ...{ samplesAbove: 0, memoryKills: 0, measuredBytes: null, writtenAtMeasure: 0, isMeasuring: false },
    written: new Map(),
  };
}

/** What a process and the children it has waited for have written to disk. */
function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readHostText(`/proc/${pid}/io`))?.[1] ?? 0);
}
