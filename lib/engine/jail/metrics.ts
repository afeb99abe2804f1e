import type { GuestContext, Usage } from '../guests';
import { measureDirectory } from '../safe-fs/disk-use';
import { ProcessMeter } from './meter';
import { rootDirOf } from './rootfs';
import type { Sandbox } from './sandbox';

const INTERVAL_MS = 5_000;
/** Largest share of time spent on measuring disk use, which takes 1 s for 100,000 files. */
const MAX_DISK_SHARE = 1 / 20;

/** The usage of a sandbox without processes and files. */
const UNUSED: Usage = { cpuUsedPct: 0, memUsedBytes: 0, diskUsedBytes: 0 };

type Measured = { disk: { usedBytes: number; dueMs: number; isRunning: boolean }; latest: Usage | null };

/** Samples every running sandbox from its first use on, every 5 s (docs/protocol.md#metrics). */
export class GuestMetrics {
  readonly #context: GuestContext;
  readonly #sandboxes: ReadonlyMap<string, Sandbox>;
  readonly #meter = new ProcessMeter();
  readonly #used = new Map<string, Measured>();
  readonly #timer: NodeJS.Timeout;

  constructor(context: GuestContext, sandboxes: ReadonlyMap<string, Sandbox>, intervalMs = INTERVAL_MS) {
    this.#context = context;
    this.#sandboxes = sandboxes;
    this.#timer = setInterval(() => this.#trySample(), intervalMs);
    this.#timer.unref();
  }

  /** Takes the first sample soon, because the next regular one may be seconds away. */
  use(id: string): void {
    if (this.#used.has(id)) return;
    const measured: Measured = { disk: { usedBytes: 0, dueMs: 0, isRunning: false }, latest: null };
    this.#used.set(id, measured);
    setImmediate(async () => {
      await this.#measureDisk(id, measured.disk);
      if (measured.latest === null && this.#context.findGuest(id)?.state === 'running')
        this.#record(id, 0, 0);
    });
  }

  forget(id: string): void {
    this.#used.delete(id);
  }

  has(id: string): boolean {
    return this.#used.has(id);
  }

  /** Null for a sandbox whose first sample is not there yet. */
  latest(id: string): Usage | null {
    const measured = this.#used.get(id);
    return measured === undefined ? UNUSED : measured.latest;
  }

  get ids(): string[] {
    return [...this.#used.keys()];
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A sandbox may end while it is measured. */
  #trySample(): void {
    try {
      this.#sample();
    } catch (error) {
      this.#context.warn(`Measuring the sandboxes failed: ${error}`);
    }
  }

  #sample(): void {
    const ids = [...this.#used.keys()].filter((id) => this.#context.findGuest(id)?.state === 'running');
    const sessions = ids.map((id) => this.#sandboxes.get(id)?.running ?? null);
    const live = sessions.filter((session) => session !== null);
    const uses = this.#meter.measure(live);
    ids.forEach((id, index) => {
      const session = sessions[index];
      const use = session ? uses[live.indexOf(session)] : undefined;
      this.#record(id, use?.cpuUsedPct ?? 0, use?.memUsedBytes ?? 0);
    });
  }

  #record(id: string, cpuUsedPct: number, memUsedBytes: number): void {
    const measured = this.#used.get(id);
    if (!measured) return;
    void this.#measureDisk(id, measured.disk);
    measured.latest = { cpuUsedPct, memUsedBytes, diskUsedBytes: measured.disk.usedBytes };
    this.#context.sink.recordMetric(id, { timestampMs: Date.now(), ...measured.latest });
  }

  async #measureDisk(id: string, disk: Measured['disk']): Promise<void> {
    const guest = this.#context.findGuest(id);
    if (!guest || disk.isRunning || Date.now() < disk.dueMs) return;
    disk.isRunning = true;
    const startedMs = Date.now();
    try {
      disk.usedBytes = await measureDirectory(rootDirOf(guest));
    } catch (error) {
      this.#context.warn(`Measuring the files of ${id} failed: ${error}`);
    } finally {
      disk.isRunning = false;
      disk.dueMs = Date.now() + (Date.now() - startedMs) / MAX_DISK_SHARE;
    }
  }
}
