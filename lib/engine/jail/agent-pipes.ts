import { execFile } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { exactEnv } from './environment';

/**
 * Real pipes for commands. Node connects children through sockets, and a socket cannot be opened again as
 * `/dev/stderr` or `/proc/self/fd/1`, which shell scripts do all the time. So each stream is a FIFO that is opened from
 * both sides, unlinked, and used once.
 */

const BATCH = 32;
const REFILL_BELOW = 12;
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** A pipe's two ends; the reading one does not block where `forParent` is the reader, nor the writing one. */
export type Pipe = { readonly mine: number; readonly child: number };

export class PipePool {
  readonly #directory: string;
  #names: string[] = [];
  #count = 0;
  #refilling: Promise<void> | null = null;

  /** @param directory a private directory on a file system that knows FIFOs */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Resolves when there are FIFOs for the first command. @throws when they cannot be made */
  async fill(): Promise<void> {
    if (this.#names.length < REFILL_BELOW) await this.#refill();
  }

  /** Takes `count` FIFOs out of the pool, for `openPipe`. @throws when they cannot be made */
  async take(count: number): Promise<string[]> {
    // Others take some while this waits, so what is there counts only now.
    while (this.#names.length < count) await this.#refill();
    const taken = this.#names.splice(0, count);
    this.fill().catch(() => {});
    return taken;
  }

  #refill(): Promise<void> {
    this.#refilling ??= this.#makeBatch().finally(() => {
      this.#refilling = null;
    });
    return this.#refilling;
  }

  async #makeBatch(): Promise<void> {
    const names = Array.from({ length: BATCH }, () => `${this.#directory}/${++this.#count}`);
    await new Promise<void>((resolve, reject) => {
      execFile('/usr/bin/mkfifo', ['-m', '600', ...names], { env: exactEnv({}) }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    this.#names.push(...names);
  }
}

/** Opens a FIFO as a pipe that the child reads or writes, and takes its name away. @throws errors of the system */
export function openPipe(path: string, childRole: 'reads' | 'writes'): Pipe {
  // Opened without blocking first: the other side cannot be there yet.
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  let writer = -1;
  try {
    if (!fstatSync(reader).isFIFO()) throw new Error('not a pipe');
    writer = openSync(path, childRole === 'writes' ? O_WRONLY : O_WRONLY | O_NONBLOCK);
    if (childRole === 'writes') return { mine: reader, child: writer };
    const child = openSync(path, O_RDONLY);
    closeSync(reader);
    return { mine: writer, child };
  } catch (error) {
    closeSync(reader);
    if (writer >= 0) closeSync(writer);
    throw error;
  } finally {
    unlinkSync(path);
  }
}
