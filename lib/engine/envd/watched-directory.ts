import fs, { type FSWatcher, type Stats } from 'node:fs';
import {
  close,
  fromRaw,
  inBatches,
  magicLink,
  openDirectoryAt,
  openEntryAt,
  statAt,
  statOf,
} from '../safe-fs/descriptors';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { identityOf, type Known, type RawEvent, type StatesAfter } from './watch-changes';

/** Limits the watched directories of one engine. Each costs a descriptor and a kernel watch. */
export class WatchBudget {
  #directoriesLeft;
  #pinsLeft;

  constructor(directoriesLeft = 8_192, pinsLeft = 2_048) {
    this.#directoriesLeft = directoriesLeft;
    this.#pinsLeft = pinsLeft;
  }

  /** Permits one more descriptor of an entry. */
  takePin(): boolean {
    if (this.#pinsLeft === 0) return false;
    this.#pinsLeft -= 1;
    return true;
  }

  releasePin(): void {
    this.#pinsLeft += 1;
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
  /** Descriptors of entries, which tell a removed entry from one that was moved away. */
  readonly #pins = new Map<string, { readonly fd: number; readonly identity: string }>();

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
    for (const name of [...this.#pins.keys()]) this.#unpin(name);
    close(this.fd);
    this.#budget.release();
  }

  /** Pins the known entry of this name, as far as the budget allows, or drops the pin of one that is gone. */
  async pin(name: string): Promise<void> {
    const stat = this.known.get(name)?.stat;
    const identity = stat ? identityOf(stat) : null;
    if (this.#pins.get(name)?.identity === identity) return;
    this.#unpin(name);
    if (identity === null || !this.#budget.takePin()) return;
    let fd: number | null = null;
    try {
      fd = await openEntryAt(this.fd, name);
      if (identityOf(await statOf(fd)) === identity) {
        this.#pins.set(name, { fd, identity });
        return;
      }
    } catch {
      // The entry is gone or unreadable.
    }
    if (fd !== null) close(fd);
    this.#budget.releasePin();
  }

  /** Whether the known entry of this name still has as many links as before, though not here. */
  async isMoved(name: string): Promise<boolean> {
    const pin = this.#pins.get(name);
    const before = this.known.get(name)?.stat;
    if (!pin || !before) return false;
    const { nlink } = await statOf(pin.fd);
    return before.isDirectory() ? nlink > 0 : nlink === before.nlink;
  }

  #unpin(name: string): void {
    const pin = this.#pins.get(name);
    if (!pin) return;
    this.#pins.delete(name);
    close(pin.fd);
    this.#budget.releasePin();
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

/** Reads the states of the named entries, and which of those that are gone were moved away. */
export async function readStates(
  events: readonly RawEvent<WatchedDirectory>[],
): Promise<StatesAfter<WatchedDirectory>> {
  const names = new Map<WatchedDirectory, Set<string>>();
  for (const { directory, name } of events) {
    names.set(directory, (names.get(directory) ?? new Set()).add(name));
  }
  const current = new Map<WatchedDirectory, Map<string, Stats>>();
  const moved = new Map<WatchedDirectory, Set<string>>();
  for (const [directory, namesInDirectory] of names) {
    const stats = new Map<string, Stats>();
    const movedNames = new Set<string>();
    current.set(directory, stats);
    moved.set(directory, movedNames);
    await inBatches(namesInDirectory, async (name) => {
      const stat = await directory.stat(name);
      if (stat) stats.set(name, stat);
      const before = directory.known.get(name)?.stat;
      const isSame = stat && before && identityOf(stat) === identityOf(before);
      if (!isSame && (await directory.isMoved(name))) movedNames.add(name);
    });
  }
  return {
    stat: (directory, name) => current.get(directory)?.get(name) ?? null,
    isMoved: (directory, name) => moved.get(directory)?.has(name) ?? false,
  };
}
