import { randomBytes } from 'node:crypto';
import type { GuestRoot } from '../safe-fs/guest-root';
import { ConnectError } from './connect-error';
import { DirectoryWatcher } from './directory-watcher';
import { EventBuffer } from './event-buffer';
import { WatchBudget } from './watched-directory';

/** Per sandbox, streams included. */
const MAX_WATCHERS = 64;
const ID_LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

/** A watch and its unread events. */
export class Watch {
  readonly #onClose: () => void;
  readonly events = new EventBuffer();
  #watcher: DirectoryWatcher | null = null;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** @throws SafeFsError like `DirectoryWatcher.open` */
  async open(root: GuestRoot, path: string, recursive: boolean, budget: WatchBudget): Promise<void> {
    this.#watcher = await DirectoryWatcher.open(root, path, {
      recursive,
      budget,
      onEvents: (events) => this.events.add(events),
      onFailure: () => this.events.fail('the watched directory has too many entries to watch'),
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#onClose();
  }
}

export class Watchers {
  readonly #budget = new WatchBudget();
  readonly #byGuest = new Map<string, Map<string, Watch>>();

  /**
   * Starts a watch. It stays open across a pause.
   * @throws SafeFsError like `DirectoryWatcher.open`; ConnectError `resource_exhausted` at the limit
   */
  async open(
    guestId: string,
    root: GuestRoot,
    path: string,
    recursive: boolean,
  ): Promise<{ id: string; watch: Watch }> {
    const ofGuest = this.#byGuest.get(guestId) ?? new Map<string, Watch>();
    if (ofGuest.size >= MAX_WATCHERS) {
      throw new ConnectError('resource_exhausted', `too many watchers: a sandbox may have ${MAX_WATCHERS}`);
    }
    const id = newWatcherId();
    const watch = new Watch(() => this.#remove(guestId, id));
    this.#byGuest.set(guestId, ofGuest.set(id, watch));
    try {
      await watch.open(root, path, recursive, this.#budget);
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
