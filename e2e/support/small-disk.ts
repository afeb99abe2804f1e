import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../../lib/test-support/remove-tree';

/** A file system of its own that can be filled. */
export class SmallDisk {
  private constructor(
    readonly path: string,
    readonly close: () => Promise<void>,
  ) {}

  /** Mounts one, as root or in a user namespace. Returns the reason if neither is allowed. */
  static async open(sizeMb: number): Promise<SmallDisk | string> {
    const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-disk-'));
    const mount = ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', dir];
    try {
      execFileSync('mount', mount, { stdio: 'ignore' });
      return new SmallDisk(dir, async () => {
        execFileSync('umount', ['-l', dir]);
        await removeTree(dir);
      });
    } catch {
      return SmallDisk.#openInNamespace(dir, mount);
    }
  }

  /** The mount is visible only in the namespace, but reachable through its process. */
  static async #openInNamespace(dir: string, mount: string[]): Promise<SmallDisk | string> {
    const script = 'mount "$@" && echo mounted && exec sleep infinity';
    const child = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', ...mount], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const close = async () => {
      child.kill('SIGKILL');
      await removeTree(dir);
    };
    const isMounted = await new Promise<boolean>((resolve) => {
      child.once('error', () => resolve(false));
      child.once('exit', () => resolve(false));
      child.stdout.once('data', () => resolve(true));
    });
    const path = `/proc/${child.pid}/root${dir}`;
    try {
      if (!isMounted) throw new Error('not mounted');
      appendFileSync(join(path, 'probe'), '');
      return new SmallDisk(path, close);
    } catch {
      await close();
      return 'a small file system can be mounted neither as root nor in a user namespace';
    }
  }

  /** Writes until the disk is full. */
  fill(): void {
    const file = openSync(join(this.path, 'filler'), 'a');
    try {
      for (const bytes of [1024 * 1024, 4_096]) {
        const chunk = Buffer.alloc(bytes);
        try {
          for (;;) writeSync(file, chunk);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Removes what `fill` wrote. */
  free(): void {
    rmSync(join(this.path, 'filler'), { force: true });
  }
}
