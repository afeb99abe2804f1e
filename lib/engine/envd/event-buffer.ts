import { ConnectError } from './connect-error';
import type { FilesystemEvent } from './directory-watcher';

/** Events that wait for a reader, at most. */
const MAX_BUFFERED_EVENTS = 65_536;

/**
 * Events of one watch between the directory and whoever asks for them. Of a reader who is too slow the oldest events
 * are kept; after those comes `resource_exhausted`, so nothing is lost in silence.
 */
export class EventBuffer {
  readonly #events: FilesystemEvent[] = [];
  #failure: ConnectError | null = null;
  #wake = () => {};

  add(events: readonly FilesystemEvent[]): void {
    for (const event of events) {
      // Once some are lost, later ones would tell a story with a hole.
      if (this.#failure) break;
      if (this.#events.length < MAX_BUFFERED_EVENTS) this.#events.push(event);
      else
        this.#failure = new ConnectError(
          'resource_exhausted',
          'events were lost: they were not read in time',
        );
    }
    this.#wake();
  }

  /** Nothing more will come; why is told after what is there. */
  fail(message: string): void {
    this.#failure ??= new ConnectError('resource_exhausted', message);
    this.#wake();
  }

  /** All that has happened since the last call. @throws ConnectError once, when some of it was lost or has ended */
  drain(): FilesystemEvent[] {
    if (this.#events.length > 0) return this.#events.splice(0);
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    return [];
  }

  /** Resolves when there is something to drain, or the signal aborts. */
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
