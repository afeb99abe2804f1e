import fs, { type FSWatcher, type Stats } from 'node:fs';
import { close, fromRaw, inBatches, magicLink, openDirectoryAt, statAt } from '../safe-fs/descriptors';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import type { Known, RawEvent } from './watch-changes';

/** Limits the watched directories of one engine. Each costs a descriptor and a kernel watch. */
export class WatchBudget {
  #directoriesLeft;

  constructor(directoriesLeft = 8_192) {
    this.#directoriesLeft = directoriesLeft;
  }

  take(prefix: string): void {
    if (this.#directoriesLeft === 0) throw new SafeFsError('EMFILE', fromRaw(prefix));
    this.#directoriesLeft -= 1;
  }

  release(): void {
    this.#directoriesLeft += 1;
  }
}

/** Name in events about the directory itself. No entry can have it. */
export const SELF = '.';

type Listener = {
  onEvent(directory: WatchedDirectory, kind: 'rename' | 'change', rawName: string): void;
  /** Events may have been lost. */
  onLoss(): void;
};

/** A directory watched through a descriptor, with its last known entries. */
export class WatchedDirectory {
  readonly #watcher: FSWatcher;
  readonly #budget: WatchBudget;
  readonly known: Known = new Map();

  private constructor(
    /** Raw path relative to the top of the watch, with a trailing slash; empty for the top. */
    readonly prefix: string,
    readonly fd: number,
    watcher: FSWatcher,
    budget: WatchBudget,
  ) {
    this.#watcher = watcher;
    this.#budget = budget;
  }

  /** @throws SafeFsError EMFILE at the limit; ENOENT or ENOTDIR if it is not a directory */
  static async open(
    parentFd: number,
    name: string,
    prefix: string,
    { budget, listener }: { budget: WatchBudget; listener: Listener },
  ): Promise<WatchedDirectory> {
    budget.take(prefix);
    let fd: number | undefined;
    try {
      fd = await openDirectoryAt(parentFd, name);
      const watcher = fs.watch(`${magicLink(fd)}/${SELF}`, { encoding: 'latin1', persistent: false });
      const directory = new WatchedDirectory(prefix, fd, watcher, budget);
      watcher.on('change', (kind, entry) => {
        listener.onEvent(directory, kind === 'change' ? 'change' : 'rename', String(entry));
      });
      watcher.on('error', () => listener.onLoss());
      return directory;
    } catch (error) {
      if (fd !== undefined) close(fd);
      budget.release();
      // The kernel reports its limit of watches as ENOSPC.
      throw codeOf(error) === 'ENOSPC' ? new SafeFsError('EMFILE', fromRaw(prefix)) : error;
    }
  }

  /** Must not be called while the descriptor is in use, because its number is reused. */
  close(): void {
    this.#watcher.close();
    close(this.fd);
    this.#budget.release();
  }

  /** Returns null if the entry does not exist. */
  async stat(name: string): Promise<Stats | null> {
    try {
      return await statAt(this.fd, name);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return null;
      throw error;
    }
  }
}

export async function statNamed(
  events: readonly RawEvent<WatchedDirectory>[],
): Promise<(directory: WatchedDirectory, name: string) => Stats | null> {
  const names = new Map<WatchedDirectory, Set<string>>();
  for (const { directory, name } of events) {
    names.set(directory, (names.get(directory) ?? new Set()).add(name));
  }
  const current = new Map<WatchedDirectory, Map<string, Stats>>();
  for (const [directory, namesInDirectory] of names) {
    const stats = new Map<string, Stats>();
    current.set(directory, stats);
    await inBatches(namesInDirectory, async (name) => {
      const stat = await directory.stat(name);
      if (stat) stats.set(name, stat);
    });
  }
  return (directory, name) => current.get(directory)?.get(name) ?? null;
}
