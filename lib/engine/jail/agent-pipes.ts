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
  private names: string[] = [];
  private count = 0;
  private refilling: Promise<void> | null = null;

  /** @param directory private directory on a file system that knows FIFOs */
  constructor(private readonly directory: string) {}

  /** Resolves when `needed` pipes can be opened. @throws when the FIFOs cannot be made */
  async ready(needed: number): Promise<void> {
    while (this.names.length < needed) await this.refill();
    if (this.names.length < REFILL_BELOW) this.refill().catch(() => {});
  }

  /** A pipe that the child reads or writes. @throws when no name is left: call `ready` before */
  open(childRole: 'reads' | 'writes'): Pipe {
    const path = this.names.pop();
    if (path === undefined) throw new Error('no pipe left');
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

  private refill(): Promise<void> {
    this.refilling ??= this.makeBatch().finally(() => {
      this.refilling = null;
    });
    return this.refilling;
  }

  private async makeBatch(): Promise<void> {
    const names = Array.from({ length: BATCH }, () => `${this.directory}/${++this.count}`);
    await new Promise<void>((resolve, reject) => {
      execFile('/usr/bin/mkfifo', ['-m', '600', ...names], { env: exactEnv({}) }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    this.names.push(...names);
  }
}
