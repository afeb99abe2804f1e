import fs, { type FSWatcher, type Stats } from 'node:fs';
import { close, fromRaw, magicLink, openDirectoryAt, statAt } from '../safe-fs/descriptors';
import { inBatches } from '../safe-fs/in-batches';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import type { Known, RawEvent } from './watch-changes';

/** How much all watchers of one engine may hold: a descriptor and a kernel watch for each directory. */
export class WatchBudget {
  #directoriesLeft;

  constructor(directoriesLeft = 8_192) {
    this.#directoriesLeft = directoriesLeft;
  }

  /** @throws SafeFsError EMFILE when nothing is left */
  take(prefix: string): void {
    if (this.#directoriesLeft === 0) throw new SafeFsError('EMFILE', fromRaw(prefix));
    this.#directoriesLeft -= 1;
  }

  giveBack(): void {
    this.#directoriesLeft += 1;
  }
}

/** The name under which events of the directory itself come; no entry can have it. */
export const SELF = '.';

type Listener = {
  onEvent(directory: WatchedDirectory, kind: 'rename' | 'change', rawName: string): void;
  /** Events may have been lost. */
  onLoss(): void;
};

/** One directory, pinned and watched by the kernel, with what was last seen in it. */
export class WatchedDirectory {
  readonly #watcher: FSWatcher;
  readonly #budget: WatchBudget;
  readonly known: Known = new Map();

  private constructor(
    /** Raw, relative to the top of the watch, with a slash at its end; empty for the top. */
    readonly prefix: string,
    readonly fd: number,
    watcher: FSWatcher,
    budget: WatchBudget,
  ) {
    this.#watcher = watcher;
    this.#budget = budget;
  }

  /** @throws SafeFsError EMFILE when there would be too many; ENOENT, ENOTDIR for what is no directory (any more) */
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
      budget.giveBack();
      // The kernel's own limit of watches reads as a full disk.
      throw codeOf(error) === 'ENOSPC' ? new SafeFsError('EMFILE', fromRaw(prefix)) : error;
    }
  }

  /** Must not be called while anything still uses the descriptor: its number is given to somebody else. */
  close(): void {
    this.#watcher.close();
    close(this.fd);
    this.#budget.giveBack();
  }

  /** What is under a name, or null when nothing is. */
  async look(name: string): Promise<Stats | null> {
    try {
      return await statAt(this.fd, name);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return null;
      throw error;
    }
  }
}

/** How each name that events are about is now. */
export async function lookAt(
  events: readonly RawEvent<WatchedDirectory>[],
): Promise<(directory: WatchedDirectory, name: string) => Stats | null> {
  const names = new Map<WatchedDirectory, Set<string>>();
  for (const { directory, name } of events) {
    names.set(directory, (names.get(directory) ?? new Set()).add(name));
  }
  const seen = new Map<WatchedDirectory, Map<string, Stats>>();
  for (const [directory, ofDirectory] of names) {
    const stats = new Map<string, Stats>();
    seen.set(directory, stats);
    await inBatches(ofDirectory, async (name) => {
      const stat = await directory.look(name);
      if (stat) stats.set(name, stat);
    });
  }
  return (directory, name) => seen.get(directory)?.get(name) ?? null;
}
