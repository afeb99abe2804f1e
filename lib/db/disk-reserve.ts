import 'server-only';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, statfsSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { config } from '../config';
import { dataDiskFull } from '../errors';
import { singleton } from '../singleton';
import { embeddedPath } from './embedded-path';

const CHUNK_BYTES = 1024 * 1024;
const WARN_EVERY_MS = 60_000;
const REFILL_EVERY_MS = 10_000;

/**
 * Space on the disk of the embedded database that only the record may use: a file that shrinks when the disk is full, so
 * that sign-ins, kills and the log can still be written, and grows back when there is space again. Work that writes
 * more than that is refused before the disk is full.
 */
export class DiskReserve {
  readonly #dir: string;
  readonly #file: string;
  readonly #bytes: number;
  #warnedAtMs = 0;
  #refilledAtMs = Date.now();

  constructor(dir: string, bytes: number) {
    this.#dir = dir;
    this.#file = join(dir, 'disk-reserve');
    this.#bytes = bytes;
  }

  /** Grows the reserve back to its size if the disk has space. */
  refill(): void {
    this.#refilledAtMs = Date.now();
    const missing = this.#bytes - this.#sizeBytes();
    if (missing <= 0 || this.#freeBytes() < missing + this.#marginBytes) return;
    let file: number | undefined;
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o711 });
      file = openSync(this.#file, 'a', 0o600);
      // Random, or a file system that compresses would not set the space aside.
      const chunk = randomBytes(Math.min(CHUNK_BYTES, missing));
      for (let written = 0; written < missing; )
        written += writeSync(file, chunk, 0, Math.min(chunk.length, missing - written));
    } catch (error) {
      this.#warn(`The reserve on the disk of ${this.#dir} could not be written: ${String(error)}`);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Before a statement of the record. It is written to the log of the database, and later to its tables. */
  readonly beforeStatement = (textChars: number): void => this.#makeRoom(this.#bytes / 16 + 2 * textChars);

  /** Before a transaction, which may write an operation with thousands of items. */
  readonly beforeTransaction = (): void => this.#makeRoom(this.#bytes / 2);

  /** Throws `disk_full` if only the reserve is left. For work that writes more than its record. */
  requireSpace(): void {
    this.refill();
    if (this.#sizeBytes() >= this.#bytes && this.#freeBytes() >= this.#marginBytes) return;
    throw dataDiskFull();
  }

  get #marginBytes(): number {
    return this.#bytes / 4;
  }

  #makeRoom(neededBytes: number): void {
    const lacking = neededBytes - this.#freeBytes();
    if (lacking <= 0) {
      if (Date.now() - this.#refilledAtMs > REFILL_EVERY_MS) this.refill();
      return;
    }
    const size = this.#sizeBytes();
    if (size === 0) return;
    this.#warn(`The disk of ${this.#dir} is full. Its reserve is used for sign-ins, kills and the record.`);
    try {
      truncateSync(this.#file, Math.max(0, size - Math.ceil(lacking)));
    } catch {
      // Without the reserve the write itself reports the full disk.
    }
  }

  #freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#dir);
      return bavail * bsize;
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  #sizeBytes(): number {
    return statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
  }

  #warn(message: string): void {
    if (Date.now() - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = Date.now();
    console.error(message);
  }
}

/** The reserve of the database of this process. `null` with PostgreSQL, which has its own disk. */
export function diskReserve(): DiskReserve | null {
  const path = embeddedPath(config().databaseUrl);
  if (path === null) return null;
  return singleton('disk-reserve', () => new DiskReserve(dirname(path), config().diskReserveBytes));
}

/** Throws `disk_full` if only the reserve is left on the disk of the data directory. */
export function requireDiskSpace(): void {
  diskReserve()?.requireSpace();
}
