import { execFile } from 'node:child_process';
import { statfsSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { measureTree } from '../safe-fs/disk-use';
import { exactEnv } from './environment';
import type { Jail } from './jail';
import { scanOpenFiles } from './open-files';
import { findTree, type ProcessStat, signalProcess } from './process-tree';
import { readHostText } from './skeleton';

const KIBIBYTE = 1024;
/** The same number of files for its size as an ext4 file system, which a sandbox of a service has. */
const BYTES_PER_FILE = 16 * KIBIBYTE;
const MIN_FILES = 1_000;
/** No sandbox fills its disk faster: about two cores that do nothing else. */
const FILL_BYTES_PER_MS = 2_000_000;
/** A process that has written less since the last measurement is not the one that fills the disk. */
const MIN_WRITTEN_BYTES = 64 * KIBIBYTE;
/** What is written to a full disk until the files are measured again. */
const MIN_GROWTH_BYTES = 256 * KIBIBYTE;
/** CPU time, of which there are 100 ticks a second, in which a program creates thousands of files. */
const BUSY_TICKS = 20;
/** Largest share of time spent on measurements that only other programs of the machine may have caused. */
const MAX_DOUBT_SHARE = 1 / 20;
const MIN_DOUBT_MS = 500;
/** The same of those for no other reason than that a sandbox works. */
const MAX_BUSY_SHARE = 1 / 200;
const MIN_BUSY_MS = 1_000;
/** The processes stand still for a measurement, but not longer, because callers wait for them. */
const MAX_HOLD_MS = 5_000;
/** Largest file that a new process may write while the disk is full by little, and by more. */
const SMALL_FILE_BYTES = 64 * KIBIBYTE;
const MAX_SLACK_BYTES = 16 * KIBIBYTE * KIBIBYTE;

export type DiskLimit = { readonly rootDir: string; readonly quotaBytes: number; readonly prlimit: string };

/** What was true at a measurement. */
type Measured = {
  readonly usedBytes: number;
  readonly entries: number;
  readonly isOver: boolean;
  /** What each process had written, in total and by itself and the children it had waited for. */
  readonly writtenBytes: number;
  readonly written: ReadonlyMap<number, number>;
  readonly cpuTicks: ReadonlyMap<number, number>;
  readonly ticks: number;
  /** Of the file system that holds the sandbox. */
  readonly disk: DiskState;
};
type DiskState = { readonly usedBytes: number; readonly files: number };

/**
 * Keeps the files of one session within their quota, deleted files included that are still open. The kernel counts what every
 * process writes, so the files are measured only when enough was written to fill the disk; the processes stand still meanwhile.
 * Then those are killed that have written since the last measurement, and new ones may write next to nothing until there is
 * space again.
 */
export class DiskGuard {
  readonly #jail: Jail;
  readonly #limit: DiskLimit;
  readonly #report: (killed: number) => void;
  readonly device: number;
  readonly #maxFiles: number;
  #measured: Measured | null = null;
  #measuring: Promise<void> | null = null;
  #doubtDueMs = 0;
  #busyDueMs = 0;
  #fileLimitBytes: number | null = null;

  /** @param report called with the number of processes that were killed */
  constructor(jail: Jail, limit: DiskLimit, report: (killed: number) => void) {
    this.#jail = jail;
    this.#limit = limit;
    this.#report = report;
    this.#maxFiles = Math.max(MIN_FILES, limit.quotaBytes / BYTES_PER_FILE);
    this.device = statSync(limit.rootDir).dev;
  }

  /** Starts a measurement if one is due. @returns how soon to look again in ms */
  check(tree: readonly ProcessStat[], onError: (error: unknown) => void): number {
    const measured = this.#measured;
    if (this.#measuring) return Number.POSITIVE_INFINITY;
    const { quotaBytes } = this.#limit;
    if (!measured) {
      this.measure(false).catch(onError);
      return 0;
    }
    const disk = this.#readDisk();
    const grownBytes = sumOf(writtenBy(tree)) - measured.writtenBytes;
    const mayUseBytes = measured.usedBytes + grownBytes;
    const diskBytes = measured.usedBytes + disk.usedBytes - measured.disk.usedBytes;
    const diskFiles = measured.entries + disk.files - measured.disk.files;
    const isWritten = mayUseBytes > quotaBytes && grownBytes >= (measured.isOver ? MIN_GROWTH_BYTES : 1);
    // Nobody counts who creates files, and other programs may have removed as many. So a busy sandbox is measured now and then.
    const now = performance.now();
    const isBusy = ticksOf(tree) - measured.ticks >= BUSY_TICKS && now >= this.#busyDueMs;
    const isDoubtful = diskFiles > this.#maxFiles || diskBytes > quotaBytes || hasLess(disk, measured);
    if (isWritten || isBusy || (isDoubtful && now >= this.#doubtDueMs)) {
      // A program that only rewrites its files fills nothing, and need not wait.
      this.measure(isWritten && diskBytes > quotaBytes).catch(onError);
      return 0;
    }
    return Math.max(0, quotaBytes - mayUseBytes) / FILL_BYTES_PER_MS;
  }

  /** Measures again if the disk was full, so that a process that is about to start may use what has become free. */
  async refresh(): Promise<void> {
    // One that has begun may have missed what is free by now.
    await this.#measuring?.catch(() => {});
    if (this.#measured?.isOver) await this.measure(false);
  }

  /** Measures the files and enforces the quota. A call during a measurement joins it. */
  measure(isHeld: boolean): Promise<void> {
    this.#measuring ??= this.#measureAndEnforce(isHeld).finally(() => {
      this.#measuring = null;
    });
    return this.#measuring;
  }

  async #measureAndEnforce(isHeld: boolean): Promise<void> {
    const startedMs = performance.now();
    // Without permission to stop them, the processes write on.
    const hold = isHeld ? this.#jail.freeze('guard').catch(() => {}) : Promise.resolve();
    await hold;
    const work = this.#enforce();
    try {
      await (isHeld ? Promise.race([work, delay(MAX_HOLD_MS, undefined, { ref: false })]) : work);
    } finally {
      if (isHeld) await this.#jail.thaw('guard').catch(() => {});
    }
    await work;
    const endedMs = performance.now();
    const tookMs = endedMs - startedMs;
    this.#doubtDueMs = endedMs + Math.max(MIN_DOUBT_MS, tookMs / MAX_DOUBT_SHARE);
    this.#busyDueMs = endedMs + Math.max(MIN_BUSY_MS, tookMs / MAX_BUSY_SHARE);
  }

  async #enforce(): Promise<void> {
    const { quotaBytes, rootDir } = this.#limit;
    const tree = findTree(this.#jail.init.pid);
    const disk = this.#readDisk();
    const written = writtenBy(tree);
    const before = this.#measured;
    const use = await measureTree(rootDir);
    const pids = tree.map(({ pid }) => pid);
    const usedBytes = use.usedBytes + scanOpenFiles(pids, this.device).deletedBytes;
    const isOver = usedBytes > quotaBytes || use.entries > this.#maxFiles;
    const cpuTicks = new Map(tree.map(({ pid, cpuTicks: ticks }) => [pid, ticks]));
    const totals = { writtenBytes: sumOf(written), ticks: ticksOf(tree) };
    const { entries } = use;
    this.#measured = { usedBytes, entries, isOver, written, cpuTicks, disk, ...totals };
    if (isOver) {
      const isCrowded = entries > this.#maxFiles && entries > (before?.entries ?? 0);
      // The first two are the sandbox's own init and its agent.
      const writers = tree.slice(2).filter(({ pid, cpuTicks: ticks }) => {
        const bytes = (written.get(pid) ?? 0) - (before?.written.get(pid) ?? 0);
        // Nobody counts who creates files, only who works.
        return bytes >= MIN_WRITTEN_BYTES || (isCrowded && ticks > (before?.cpuTicks.get(pid) ?? 0));
      });
      const killed = writers.filter((process) => signalProcess(process, 'SIGKILL')).length;
      if (killed > 0) this.#report(killed);
    }
    const isSlightlyOver = usedBytes <= quotaBytes + MAX_SLACK_BYTES;
    if (isOver) await this.#limitFiles(tree[1], isSlightlyOver ? SMALL_FILE_BYTES : 0);
    else if (this.#fileLimitBytes !== null) await this.#limitFiles(tree[1], null);
  }

  /** Sets the largest file that the agent, and so every process that it starts from now on, may write. Null: the usual one. */
  async #limitFiles(agent: ProcessStat | undefined, bytes: number | null): Promise<void> {
    if (!agent || bytes === this.#fileLimitBytes) return;
    const limit = bytes ?? this.#limit.quotaBytes;
    const args = ['--pid', String(agent.pid), `--fsize=${limit}:${mayRaiseLimits ? limit : ''}`];
    this.#fileLimitBytes = bytes;
    // Without permission, or an agent: what processes write is still counted.
    await promisify(execFile)(this.#limit.prlimit, args, { cwd: '/', env: exactEnv({}) }).catch(() => {});
  }

  #readDisk(): DiskState {
    const { blocks, bfree, bsize, files, ffree } = statfsSync(this.#limit.rootDir);
    return { usedBytes: (blocks - bfree) * bsize, files: files - ffree };
  }
}

const CAP_SYS_RESOURCE = 24n;
/** Whether this process may raise a hard limit again that it has lowered. */
const mayRaiseLimits = hasCapability(CAP_SYS_RESOURCE);

function hasCapability(bit: bigint): boolean {
  const mask = /^CapEff:\s+([0-9a-f]+)$/m.exec(readHostText('/proc/self/status'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}

/** Whether a full disk may have space again. */
function hasLess(now: DiskState, { isOver, disk }: Measured): boolean {
  return isOver && (now.usedBytes < disk.usedBytes || now.files < disk.files);
}

function ticksOf(tree: readonly ProcessStat[]): number {
  return tree.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
}

/** What each process and the children it has waited for have written to disk. */
function writtenBy(tree: readonly ProcessStat[]): Map<number, number> {
  return new Map(
    tree.map(({ pid }) => {
      const text = readHostText(`/proc/${pid}/io`);
      return [pid, Number(/^write_bytes: (\d+)/m.exec(text)?.[1] ?? 0)];
    }),
  );
}

function sumOf(written: ReadonlyMap<number, number>): number {
  return [...written.values()].reduce((sum, bytes) => sum + bytes, 0);
}
