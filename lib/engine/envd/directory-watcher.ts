import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import { fromRaw, inBatches, openList, pathOf, statAt, statOf } from '../safe-fs/descriptors';
import type { GuestRoot } from '../safe-fs/guest-root';
import { codeOf, SafeFsError } from '../safe-fs/safe-fs-error';
import { requireNotShared, withPlace } from '../safe-fs/walk';
import type { EntryInfo } from './entry-info';
import type { OpenWrites } from './open-writes';
import {
  type EventType,
  hasOtherAttributes,
  interpret,
  isTouched,
  type RawEvent,
  type StatesAfter,
} from './watch-changes';
import { readStates, SELF, type WatchBudget, WatchedDirectory } from './watched-directory';

/** An event; its name is relative to the watched directory. */
export type FilesystemEvent = {
  readonly name: string;
  readonly type: EventType;
  /** The entry as it is now, if the watch asks for it. Not for one that was removed or renamed. */
  readonly entry?: EntryInfo;
};

const MAX_KNOWN_ENTRIES = 100_000;
/** Beyond this, the watcher compares whole directories instead. */
const MAX_PENDING_EVENTS = 16_384;

export type WatchOptions = {
  readonly recursive: boolean;
  readonly budget: WatchBudget;
  readonly openWrites: OpenWrites;
  onEvents(events: FilesystemEvent[]): void;
  /** The watch has failed, with SafeFsError EMFILE at a limit. */
  onFailure(error: unknown): void;
};

/**
 * Watches a directory of a sandbox, optionally recursively. It watches descriptors, not paths, and therefore never
 * follows a directory that becomes a link. All work after the start is sequential in `#processPending`, which makes it
 * safe to close descriptors there.
 */
export class DirectoryWatcher {
  readonly #options: WatchOptions;
  readonly #directories = new Map<string, WatchedDirectory>();
  /** Names of files that uploads are writing. */
  readonly #uploads = new Set<string>();
  #top: TopState | null = null;
  #parent: WatchedDirectory | null = null;
  #pending: RawEvent<WatchedDirectory>[] = [];
  #knownCount = 0;
  #isWorking = true;
  /** Numbers of raw events so far. */
  #enqueued = 0;
  #handled = 0;
  readonly #flushes = new Set<() => void>();
  #mustCompare = false;
  #isClosed = false;

  private constructor(options: WatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves once every directory is watched.
   * @throws SafeFsError ENOENT, ENOTDIR, EROFS in a shared directory, EMFILE at a limit
   */
  static async open(root: GuestRoot, path: string, options: WatchOptions): Promise<DirectoryWatcher> {
    const watcher = new DirectoryWatcher(options);
    try {
      await withPlace(root, path, {}, async (place) => {
        requireNotShared(place, path);
        const { entry } = place;
        if (!entry) throw new SafeFsError('ENOENT', path);
        if (!entry.stat.isDirectory()) throw new SafeFsError('ENOTDIR', path);
        const top = await watcher.#watch(entry.fd, SELF, '');
        watcher.#top = await readTop(top.fd);
        if (place.parent) await watcher.#watchPlace(top, place.parent);
        await watcher.#scan(top, null);
      });
    } catch (error) {
      watcher.close();
      throw error;
    } finally {
      watcher.#finishWork();
    }
    return watcher;
  }

  /** Stops the events. Descriptors in use are closed afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#pending = [];
    this.#continueFlushes();
    if (!this.#isWorking) this.#unwatchTree('');
  }

  /** Resolves once `onEvents` has been told of everything that happened before, except for uploads in progress. */
  async flush(): Promise<void> {
    await this.#options.openWrites.whenArrived();
    // The kernel's events reach this thread between two turns of its loop.
    await nextTick();
    await nextTick();
    const goal = this.#enqueued;
    while (this.#handled < goal && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#flushes.add(resolve));
    }
  }

  #continueFlushes(): void {
    for (const resolve of this.#flushes) resolve();
    this.#flushes.clear();
  }

  async #watch(parentFd: number, name: string, prefix: string): Promise<WatchedDirectory> {
    const directory = await WatchedDirectory.open(parentFd, name, prefix, {
      budget: this.#options.budget,
      listener: {
        onEvent: (source, kind, entry) => this.#enqueue({ directory: source, kind, name: entry }),
        onLoss: () => this.#scheduleComparison(),
      },
    });
    this.#directories.set(prefix, directory);
    return directory;
  }

  /**
   * Watches the name of the top directory in its parent. The kernel does not report the removal of a directory to its own
   * watch while a descriptor is open.
   */
  async #watchPlace(top: WatchedDirectory, parent: { fd: number; name: string }): Promise<void> {
    this.#parent = await WatchedDirectory.open(parent.fd, SELF, '', {
      budget: this.#options.budget,
      listener: {
        onEvent: (_, kind, entry) => {
          if (entry === parent.name) this.#enqueue({ directory: top, kind, name: SELF });
        },
        onLoss: () => this.#enqueue({ directory: top, kind: 'rename', name: SELF }),
      },
    });
  }

  #unwatchTree(prefix: string): void {
    if (prefix === '') {
      this.#parent?.close();
      this.#parent = null;
    }
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
   * Reads a watched directory, and watches its subdirectories if recursive. `events` receives the entries created before
   * the watch of a new directory started.
   */
  async #scan(top: WatchedDirectory, events: FilesystemEvent[] | null): Promise<void> {
    const todo = [top];
    for (let directory = todo.pop(); directory && !this.#isClosed; directory = todo.pop()) {
      for (const [name, stat] of await this.#readDirectory(directory)) {
        events?.push(...describeNewEntry(directory.prefix + name, stat));
        if (!this.#options.recursive || !stat.isDirectory()) continue;
        const child = await this.#watchBelow(directory, name);
        if (child) todo.push(child);
      }
    }
  }

  /** Returns null if the subdirectory no longer exists. */
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

  /** Updates the known entries of a directory. Returns the new ones. */
  async #readDirectory(directory: WatchedDirectory): Promise<Map<string, Stats>> {
    const fresh = new Map<string, Stats>();
    await inBatches(await openList(directory.fd), async ({ name }) => {
      const stat = await directory.stat(name);
      if (!stat || directory.known.has(name)) return;
      this.#count(1);
      directory.known.set(name, { stat, isReported: false, isUpload: false });
      await directory.pin(name);
      fresh.set(name, stat);
    });
    return fresh;
  }

  #count(more: number): void {
    this.#knownCount += more;
    if (this.#knownCount > MAX_KNOWN_ENTRIES) throw new SafeFsError('EMFILE', 'the watched directory');
  }

  #enqueue(event: RawEvent<WatchedDirectory>): void {
    if (this.#isClosed) return;
    const last = this.#pending.at(-1);
    const isRepeated = event.kind === 'change' && last?.kind === 'change' && last.name === event.name;
    if (isRepeated && last.directory === event.directory) return;
    if (this.#pending.length >= MAX_PENDING_EVENTS) {
      this.#pending = [];
      this.#mustCompare = true;
    }
    this.#pending.push(event);
    this.#enqueued += 1;
    this.#startWork();
  }

  #scheduleComparison(): void {
    this.#mustCompare = true;
    this.#enqueued += 1;
    this.#startWork();
  }

  #startWork(): void {
    if (this.#isWorking || this.#isClosed) return;
    this.#isWorking = true;
    this.#processPending()
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        this.close();
        this.#options.onFailure(error);
      })
      .finally(() => this.#finishWork());
  }

  #finishWork(): void {
    this.#isWorking = false;
    if (this.#isClosed) this.#unwatchTree('');
    else if (this.#pending.length > 0 || this.#mustCompare) this.#startWork();
  }

  async #processPending(): Promise<void> {
    while (!this.#isClosed && (this.#pending.length > 0 || this.#mustCompare)) {
      // Lets the events of one change, such as a rename, arrive together.
      await nextTick();
      const batch = this.#pending;
      const handled = this.#enqueued;
      this.#pending = [];
      // The kernel queues about as many events before it drops some silently.
      const isFlood = this.#mustCompare || batch.length >= MAX_PENDING_EVENTS / 2;
      this.#mustCompare = false;
      await this.#handle(batch);
      if (isFlood) await this.#compareAll();
      this.#handled = handled;
      this.#continueFlushes();
    }
  }

  async #handle(batch: RawEvent<WatchedDirectory>[]): Promise<void> {
    const live = batch.filter(({ directory }) => this.#isWatched(directory));
    const named = live.filter(({ name }) => name !== SELF);
    const after = await readStates(named);
    const changes = this.#interpret(this.#withoutUploads(named, after), after);
    const events: FilesystemEvent[] = [];
    for (const { directory, name, type } of changes) {
      if (!this.#isWatched(directory)) continue;
      events.push({ name: fromRaw(directory.prefix + name), type });
      await this.#followDirectory(directory, name, type, after.stat(directory, name), events);
    }
    for (const { directory, name } of named) if (this.#isWatched(directory)) await directory.pin(name);
    if (live.some(({ directory, name }) => name === SELF && directory.prefix === '')) {
      events.push(...(await this.#checkTop()));
    }
    if (events.length > 0 && !this.#isClosed) this.#options.onEvents(events);
  }

  /** Holds back the changes of files that uploads are writing. One event follows when the upload has ended. */
  #withoutUploads(
    events: RawEvent<WatchedDirectory>[],
    after: StatesAfter<WatchedDirectory>,
  ): RawEvent<WatchedDirectory>[] {
    return events.filter(({ directory, name, kind, isUpload }) => {
      if (kind !== 'change' || isUpload) return true;
      const key = directory.prefix + name;
      if (this.#uploads.has(key)) return false;
      const stat = after.stat(directory, name);
      const settled = stat && this.#options.openWrites.whenSettled(stat);
      if (!settled) return true;
      this.#uploads.add(key);
      void settled.then(() => {
        this.#uploads.delete(key);
        this.#enqueue({ directory, name, kind, isUpload: true });
      });
      return false;
    });
  }

  #interpret(events: RawEvent<WatchedDirectory>[], after: StatesAfter<WatchedDirectory>) {
    const directories = new Set(events.map(({ directory }) => directory));
    const sizeOf = () => [...directories].reduce((sum, { known }) => sum + known.size, 0);
    const sizeBefore = sizeOf();
    const changes = interpret(events, after);
    this.#count(sizeOf() - sizeBefore);
    return changes;
  }

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

  /** Reports what happened to the top directory itself. Once it is removed or moved, its watch has ended. */
  async #checkTop(): Promise<FilesystemEvent[]> {
    const top = this.#directories.get('');
    const before = this.#top;
    if (!top || !before) return [];
    const now = await readTop(top.fd);
    this.#top = now;
    const isRemoved = now.stat.nlink === 0;
    if (isRemoved || now.place !== before.place) {
      this.#unwatchTree('');
      return [{ name: SELF, type: isRemoved ? 'EVENT_TYPE_REMOVE' : 'EVENT_TYPE_RENAME' }];
    }
    const isChmod = hasOtherAttributes(before.stat, now.stat) || isTouched(before.stat, now.stat);
    return isChmod ? [{ name: SELF, type: 'EVENT_TYPE_CHMOD' }] : [];
  }

  /** Reports the differences from the known state, after events were lost. */
  async #compareAll(): Promise<void> {
    for (const directory of [...this.#directories.values()]) {
      if (this.#isWatched(directory) && !this.#isClosed) await this.#handle(await compare(directory));
    }
  }
}

type TopState = { readonly stat: Stats; readonly place: string };

/** The state of the watched directory itself, with its name and the identity of its parent. */
async function readTop(fd: number): Promise<TopState> {
  const stat = await statOf(fd);
  if (stat.nlink === 0) return { stat, place: '' };
  const { dev, ino } = await statAt(fd, '..');
  return { stat, place: `${dev}:${ino}/${posix.basename(await pathOf(fd))}` };
}

/** The differences of a directory from its known state, as events. */
async function compare(directory: WatchedDirectory): Promise<RawEvent<WatchedDirectory>[]> {
  const events: RawEvent<WatchedDirectory>[] = [];
  await inBatches([...directory.known], async ([name, before]) => {
    const now = await directory.stat(name);
    if (!now) events.push({ directory, name, kind: 'rename' });
    else if (before.stat?.ctimeMs === now.ctimeMs) return;
    else events.push({ directory, name, kind: now.isDirectory() ? 'rename' : 'change' });
  });
  for await (const { name } of await openList(directory.fd)) {
    if (!directory.known.has(name)) events.push({ directory, name, kind: 'rename' });
    if (events.length > MAX_KNOWN_ENTRIES) break;
  }
  return events;
}

/** A file with content was written as well. */
function describeNewEntry(rawName: string, stat: Stats): FilesystemEvent[] {
  const name = fromRaw(rawName);
  const created: FilesystemEvent = { name, type: 'EVENT_TYPE_CREATE' };
  return stat.isFile() && stat.size > 0 ? [created, { name, type: 'EVENT_TYPE_WRITE' }] : [created];
}
