import type { Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromRaw, openList, statOf } from '../safe-fs/descriptors';
import type { GuestRoot } from '../safe-fs/guest-root';
import { inBatches } from '../safe-fs/in-batches';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { requireOwn, withPlace } from '../safe-fs/walk';
import { type EventType, interpret, type RawEvent } from './watch-changes';
import { lookAt, SELF, type WatchBudget, WatchedDirectory } from './watched-directory';

/** One event, named relative to the watched directory. */
export type FilesystemEvent = { readonly name: string; readonly type: EventType };

/** Entries whose state is kept for comparing, by one watcher. */
const MAX_KNOWN_ENTRIES = 100_000;
/** Events of Node that wait to be interpreted. More, and the directories are compared as a whole instead. */
const MAX_PENDING_EVENTS = 16_384;

export type WatchOptions = {
  readonly recursive: boolean;
  readonly budget: WatchBudget;
  /** Gets events in their order. */
  onEvents(events: FilesystemEvent[]): void;
  /** The watch has ended by itself: SafeFsError EMFILE when there is more to watch than can be held. */
  onFailure(error: unknown): void;
};

/**
 * Watches one directory of a sandbox, with everything below when recursive. Directories are watched through
 * descriptors, so one that is replaced by a link is not followed. Everything after the start runs one after the other
 * in `workOff`, which is also what makes it safe to let go of a descriptor there.
 */
export class DirectoryWatcher {
  readonly #options: WatchOptions;
  readonly #directories = new Map<string, WatchedDirectory>();
  #pending: RawEvent<WatchedDirectory>[] = [];
  #knownCount = 0;
  #isWorking = true;
  #mustCompare = false;
  #isClosed = false;

  private constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves once every directory is watched.
   * @throws SafeFsError ENOENT, ENOTDIR, EROFS in a shared directory, EMFILE when more would be held than the engine allows
   */
  static async open(root: GuestRoot, path: string, options: WatchOptions): Promise<DirectoryWatcher> {
    const watcher = new DirectoryWatcher(options);
    try {
      await withPlace(root, path, {}, async (place) => {
        // What belongs to the host is not for a sandbox to follow.
        requireOwn(place, path);
        const { entry } = place;
        if (!entry) throw new SafeFsError('ENOENT', path);
        if (!entry.stat.isDirectory()) throw new SafeFsError('ENOTDIR', path);
        await watcher.#scan(await watcher.#watch(entry.fd, SELF, ''), null);
      });
    } catch (error) {
      watcher.close();
      throw error;
    } finally {
      watcher.#rest();
    }
    return watcher;
  }

  /** Tells nothing more. Descriptors that are being used are let go of when that is over. */
  close(): void {
    this.#isClosed = true;
    this.#pending = [];
    if (!this.#isWorking) this.#unwatchTree('');
  }

  async #watch(parentFd: number, name: string, prefix: string): Promise<WatchedDirectory> {
    const directory = await WatchedDirectory.open(parentFd, name, prefix, {
      budget: this.#options.budget,
      listener: {
        onEvent: (source, kind, entry) => this.#note({ directory: source, kind, name: entry }),
        onLoss: () => this.#compareSoon(),
      },
    });
    this.#directories.set(prefix, directory);
    return directory;
  }

  #unwatchTree(prefix: string): void {
    for (const directory of [...this.#directories.values()]) {
      if (!directory.prefix.startsWith(prefix)) continue;
      this.#directories.delete(directory.prefix);
      this.#knownCount -= directory.known.size;
      directory.close();
    }
  }

  #isWatched(directory: WatchedDirectory): boolean {
    return this.#directories.get(directory.prefix) === directory;
  }

  /**
   * Takes in what a watched directory holds, and watches what is below. With `found`, what was not known before is
   * told there: it came between the making of the directory and the watch.
   */
  async #scan(top: WatchedDirectory, found: FilesystemEvent[] | null): Promise<void> {
    const todo = [top];
    for (let directory = todo.pop(); directory && !this.#isClosed; directory = todo.pop()) {
      for (const [name, stat] of await this.#readDirectory(directory)) {
        found?.push(...describeFound(directory.prefix + name, stat));
        if (!this.#options.recursive || !stat.isDirectory()) continue;
        const child = await this.#watchBelow(directory, name);
        if (child) todo.push(child);
      }
    }
  }

  /** Null: it is gone already. */
  async #watchBelow(directory: WatchedDirectory, name: string): Promise<WatchedDirectory | null> {
    const prefix = `${directory.prefix}${name}/`;
    this.#unwatchTree(prefix);
    try {
      return await this.#watch(directory.fd, name, prefix);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) return null;
      throw error;
    }
  }

  /** Reads a directory into what is known of it; answers what is new. */
  async #readDirectory(directory: WatchedDirectory): Promise<Map<string, Stats>> {
    const fresh = new Map<string, Stats>();
    await inBatches(await openList(directory.fd), async ({ name }) => {
      const stat = await directory.look(name);
      if (!stat || directory.known.has(name)) return;
      this.#count(1);
      directory.known.set(name, stat);
      fresh.set(name, stat);
    });
    return fresh;
  }

  #count(more: number): void {
    this.#knownCount += more;
    if (this.#knownCount > MAX_KNOWN_ENTRIES) throw new SafeFsError('EMFILE', 'the watched directory');
  }

  #note(event: RawEvent<WatchedDirectory>): void {
    if (this.#isClosed) return;
    const last = this.#pending.at(-1);
    const isRepeated = event.kind === 'change' && last?.kind === 'change' && last.name === event.name;
    if (isRepeated && last.directory === event.directory) return;
    if (this.#pending.length >= MAX_PENDING_EVENTS) {
      this.#pending = [];
      this.#mustCompare = true;
    }
    this.#pending.push(event);
    this.#work();
  }

  #compareSoon(): void {
    this.#mustCompare = true;
    this.#work();
  }

  #work(): void {
    if (this.#isWorking || this.#isClosed) return;
    this.#isWorking = true;
    this.#workOff()
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        this.close();
        this.#options.onFailure(error);
      })
      .finally(() => this.#rest());
  }

  #rest(): void {
    this.#isWorking = false;
    if (this.#isClosed) this.#unwatchTree('');
    else if (this.#pending.length > 0 || this.#mustCompare) this.#work();
  }

  async #workOff(): Promise<void> {
    while (!this.#isClosed && (this.#pending.length > 0 || this.#mustCompare)) {
      // Lets the events of one act, such as the two of a rename, arrive together.
      await nextTurn();
      const batch = this.#pending;
      this.#pending = [];
      // The kernel keeps about as many events before it drops some without a word.
      const isFlood = this.#mustCompare || batch.length >= MAX_PENDING_EVENTS / 2;
      this.#mustCompare = false;
      await this.#handle(batch);
      if (isFlood) await this.#compareAll();
    }
  }

  async #handle(batch: RawEvent<WatchedDirectory>[]): Promise<void> {
    const live = batch.filter(({ directory }) => this.#isWatched(directory));
    const named = live.filter(({ name }) => name !== SELF);
    const look = await lookAt(named);
    const changes = this.#interpret(named, look);
    const events: FilesystemEvent[] = [];
    for (const { directory, name, type } of changes) {
      if (!this.#isWatched(directory)) continue;
      events.push({ name: fromRaw(directory.prefix + name), type });
      await this.#followDirectory(directory, name, type, look(directory, name), events);
    }
    if (live.some(({ directory, name }) => name === SELF && directory.prefix === '')) {
      events.push(...(await this.#checkTop()));
    }
    if (events.length > 0 && !this.#isClosed) this.#options.onEvents(events);
  }

  #interpret(
    events: RawEvent<WatchedDirectory>[],
    look: (directory: WatchedDirectory, name: string) => Stats | null,
  ) {
    const directories = new Set(events.map(({ directory }) => directory));
    const sizeOf = () => [...directories].reduce((sum, { known }) => sum + known.size, 0);
    const sizeBefore = sizeOf();
    const changes = interpret(events, look);
    this.#count(sizeOf() - sizeBefore);
    return changes;
  }

  /** Watches directories that come, and lets go of those that went. */
  async #followDirectory(
    directory: WatchedDirectory,
    name: string,
    type: EventType,
    stat: Stats | null,
    events: FilesystemEvent[],
  ): Promise<void> {
    if (!this.#options.recursive) return;
    if (type === 'EVENT_TYPE_REMOVE' || type === 'EVENT_TYPE_RENAME') {
      this.#unwatchTree(`${directory.prefix}${name}/`);
    } else if (type === 'EVENT_TYPE_CREATE' && stat?.isDirectory()) {
      const child = await this.#watchBelow(directory, name);
      if (child) await this.#scan(child, events);
    }
  }

  /** A directory that is removed while it is watched says so of itself. */
  async #checkTop(): Promise<FilesystemEvent[]> {
    const top = this.#directories.get('');
    if (!top || (await statOf(top.fd)).nlink > 0) return [];
    this.#unwatchTree('');
    return [{ name: SELF, type: 'EVENT_TYPE_REMOVE' }];
  }

  /** After events were lost: what differs from what is known is told as if it had just happened. */
  async #compareAll(): Promise<void> {
    for (const directory of [...this.#directories.values()]) {
      if (this.#isWatched(directory) && !this.#isClosed) await this.#handle(await suspectsIn(directory));
    }
  }
}

/** What in a directory is not as it is known, as the events that would have said so. */
async function suspectsIn(directory: WatchedDirectory): Promise<RawEvent<WatchedDirectory>[]> {
  const suspects: RawEvent<WatchedDirectory>[] = [];
  await inBatches([...directory.known], async ([name, before]) => {
    const now = await directory.look(name);
    if (!now) suspects.push({ directory, name, kind: 'rename' });
    else if (before?.ctimeMs === now.ctimeMs) return;
    else suspects.push({ directory, name, kind: now.isDirectory() ? 'rename' : 'change' });
  });
  for await (const { name } of await openList(directory.fd)) {
    if (!directory.known.has(name)) suspects.push({ directory, name, kind: 'rename' });
    if (suspects.length > MAX_KNOWN_ENTRIES) break;
  }
  return suspects;
}

/** A file that already has content was written as well. */
function describeFound(rawName: string, stat: Stats): FilesystemEvent[] {
  const name = fromRaw(rawName);
  const created: FilesystemEvent = { name, type: 'EVENT_TYPE_CREATE' };
  return stat.isFile() && stat.size > 0 ? [created, { name, type: 'EVENT_TYPE_WRITE' }] : [created];
}
