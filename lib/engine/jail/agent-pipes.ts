import { execFile } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { exactEnv } from './environment';

/**
 * Pipes for commands. Node connects children through sockets, which cannot be reopened as `/dev/stderr` or
 * `/proc/self/fd/1`, as shell scripts often do. Each stream is a FIFO that is opened at both ends, unlinked and used
 * once. Any user may open it again through its descriptor; its directory is closed.
 */

const BATCH = 32;
const REFILL_BELOW = 12;
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** Descriptors of both ends. The agent's end does not block. */
export type Pipe = { readonly agent: number; readonly child: number };

export class PipePool {
  readonly #directory: string;
  #names: string[] = [];
  #count = 0;
  #refilling: Promise<void> | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Creates FIFOs ahead of the first command. @throws if mkfifo fails */
  async fill(): Promise<void> {
    if (this.#names.length < REFILL_BELOW) await this.#refill();
  }

  async take(count: number): Promise<string[]> {
    // Concurrent calls may take the new FIFOs first.
    while (this.#names.length < count) await this.#refill();
    const paths = this.#names.splice(0, count);
    this.fill().catch(() => {});
    return paths;
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
      execFile('/usr/bin/mkfifo', ['-m', '666', ...names], { env: exactEnv({}) }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    this.#names.push(...names);
  }
}

export function openPipe(path: string, childRole: 'reads' | 'writes'): Pipe {
  // A blocking open would wait for the writer, which is opened next.
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  let writer = -1;
  try {
    if (!fstatSync(reader).isFIFO()) throw new Error('not a pipe');
    writer = openSync(path, childRole === 'writes' ? O_WRONLY : O_WRONLY | O_NONBLOCK);
    if (childRole === 'writes') return { agent: reader, child: writer };
    const child = openSync(path, O_RDONLY);
    closeSync(reader);
    return { agent: writer, child };
  } catch (error) {
    closeSync(reader);
    if (writer >= 0) closeSync(writer);
    throw error;
  } finally {
    unlinkSync(path);
  }
}
