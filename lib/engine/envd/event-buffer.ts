import { ConnectError } from './connect-error';
import type { FilesystemEvent } from './directory-watcher';

const MAX_BUFFERED_EVENTS = 65_536;

/** The unread events of a watch. When full, it drops new events and reports `resource_exhausted` after the old ones. */
export class EventBuffer {
  readonly #events: FilesystemEvent[] = [];
  #failure: ConnectError | null = null;
  #wake = () => {};

  add(events: readonly FilesystemEvent[]): void {
    for (const event of events) {
      // Later events would hide the gap.
      if (this.#failure) break;
      if (this.#events.length < MAX_BUFFERED_EVENTS) this.#events.push(event);
      else this.#failure = new ConnectError('resource_exhausted', 'events were lost: read them more often');
    }
    this.#wake();
  }

  /** Ends the events with an error, which follows the unread ones. */
  fail(message: string): void {
    this.#failure ??= new ConnectError('resource_exhausted', message);
    this.#wake();
  }

  /** Returns the unread events. @throws ConnectError once, after events were lost or the watch has failed */
  drain(): FilesystemEvent[] {
    if (this.#events.length > 0) return this.#events.splice(0);
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    return [];
  }

  /** Resolves when `drain` has a result or the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#events.length > 0 || this.#failure || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const stop = () => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      this.#wake = stop;
      signal.addEventListener('abort', stop);
    });
  }
}
