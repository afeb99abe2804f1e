import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { readEntry } from '../safe-fs/entries';
import type { GuestRoot } from '../safe-fs/guest-root';
import { ConnectError } from './connect-error';
import { DirectoryWatcher, type FilesystemEvent, type WatchOptions } from './directory-watcher';
import { toEntryInfo } from './entry-info';
import { EventBuffer } from './event-buffer';
import type { OpenWrites } from './open-writes';
import { WatchBudget } from './watched-directory';

/** Per sandbox, streams included. */
const MAX_WATCHERS = 64;
const ID_LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

export type WatchRequest = {
  readonly recursive: boolean;
  /** Whether events describe their entry. */
  readonly includeEntry: boolean;
};

/** A watch and its unread events. */
export class Watch {
  readonly #onClose: () => void;
  readonly events = new EventBuffer();
  #watcher: DirectoryWatcher | null = null;
  #described: Promise<void> = Promise.resolve();

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** @throws SafeFsError like `DirectoryWatcher.open` */
  async open(
    root: GuestRoot,
    path: string,
    { includeEntry, ...options }: WatchRequest & Pick<WatchOptions, 'budget' | 'openWrites'>,
  ): Promise<void> {
    this.#watcher = await DirectoryWatcher.open(root, path, {
      ...options,
      onEvents: (events) => {
        if (!includeEntry) return this.events.add(events);
        this.#described = this.#described.then(async () =>
          this.events.add(await withEntries(root, path, events)),
        );
      },
      onFailure: () => this.events.fail('the watched directory has too many entries to watch'),
    });
  }

  /** Waits until the events of everything that happened before are among the unread ones. */
  async flush(): Promise<void> {
    await this.#watcher?.flush();
    await this.#described;
  }

  close(): void {
    this.#watcher?.close();
    this.#onClose();
  }
}

/** Adds the entries that still exist, except to events about an entry that has left its place. */
async function withEntries(
  root: GuestRoot,
  path: string,
  events: readonly FilesystemEvent[],
): Promise<FilesystemEvent[]> {
  const described: FilesystemEvent[] = [];
  for (const event of events) {
    const hasLeft = event.type === 'EVENT_TYPE_REMOVE' || event.type === 'EVENT_TYPE_RENAME';
    const entry = hasLeft ? null : await readEntry(root, posix.join(path, event.name)).catch(() => null);
    described.push(entry ? { ...event, entry: toEntryInfo(entry, root) } : event);
  }
  return described;
}

export class Watchers {
  readonly #openWrites: OpenWrites;
  readonly #budget = new WatchBudget();
  readonly #byGuest = new Map<string, Map<string, Watch>>();

  constructor(openWrites: OpenWrites) {
    this.#openWrites = openWrites;
  }

  /**
   * Starts a watch. It stays open across a pause.
   * @throws SafeFsError like `DirectoryWatcher.open`; ConnectError `resource_exhausted` at the limit
   */
  async open(
    guestId: string,
    root: GuestRoot,
    path: string,
    request: WatchRequest,
  ): Promise<{ id: string; watch: Watch }> {
    const ofGuest = this.#byGuest.get(guestId) ?? new Map<string, Watch>();
    if (ofGuest.size >= MAX_WATCHERS) {
      throw new ConnectError('resource_exhausted', `too many watchers: a sandbox may have ${MAX_WATCHERS}`);
    }
    const id = newWatcherId();
    const watch = new Watch(() => this.#remove(guestId, id));
    this.#byGuest.set(guestId, ofGuest.set(id, watch));
    try {
      await watch.open(root, path, { ...request, budget: this.#budget, openWrites: this.#openWrites });
    } catch (error) {
      watch.close();
      throw error;
    }
    // The sandbox may have been killed in the meantime.
    if (this.#byGuest.get(guestId)?.get(id) !== watch) watch.close();
    return { id, watch };
  }

  get(guestId: string, id: string): Watch {
    const watch = this.#byGuest.get(guestId)?.get(id);
    if (watch) return watch;
    throw new ConnectError('not_found', `watcher with id ${id} not found`);
  }

  forget(guestId: string): void {
    for (const watch of [...(this.#byGuest.get(guestId)?.values() ?? [])]) watch.close();
  }

  #remove(guestId: string, id: string): void {
    const ofGuest = this.#byGuest.get(guestId);
    ofGuest?.delete(id);
    if (ofGuest?.size === 0) this.#byGuest.delete(guestId);
  }
}

/** `w` and 20 letters (docs/protocol.md#envd-polled-watchers). */
function newWatcherId(): string {
  return `w${[...randomBytes(20)].map((byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')}`;
}
