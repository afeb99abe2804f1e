import 'server-only';
import { singleton } from '../../../singleton';
import { type ArchiveCount, type ArchiveEvent, isArchiveToken } from './schema';

type Send = (event: ArchiveEvent) => void;

const SEND_EVERY_MS = 500;
/** How long a result is kept for late subscribers, ms. */
const KEEP_MS = 60_000;

type Tracked = { event: () => ArchiveEvent; isOver: boolean };

/** The progress of archive downloads by person and a token of their browser, because a page cannot follow the browser's own download. */
export class ArchiveProgress {
  readonly #tracked = new Map<string, Tracked>();
  readonly #listeners = new Map<string, Set<Send>>();

  /**
   * Tracks an archive of a person under `token`. Does nothing for an invalid token. Returns functions to report progress and
   * the end.
   */
  begin(
    userId: string,
    token: string | null,
  ): {
    onCount: (count: ArchiveCount) => void;
    onEnd: (failure: string | null) => void;
  } {
    const key = `${userId} ${token}`;
    if (!isArchiveToken(token) || this.#tracked.has(key)) return { onCount: () => {}, onEnd: () => {} };
    let count: ArchiveCount | null = null;
    const tracked: Tracked = {
      event: () => ({ kind: 'progress', count: count && { ...count } }),
      isOver: false,
    };
    this.#tracked.set(key, tracked);
    const timer = setInterval(() => this.#send(key), SEND_EVERY_MS);
    return {
      onCount: (current) => {
        count = current;
      },
      onEnd: (failure) => {
        if (tracked.isOver) return;
        tracked.isOver = true;
        clearInterval(timer);
        tracked.event = () => ({ kind: 'ended', count: count && { ...count }, failure });
        this.#send(key);
        setTimeout(() => this.#tracked.delete(key), KEEP_MS).unref();
      },
    };
  }

  /** Sends the progress of the person's `token`. Returns a function that unsubscribes. */
  listen(userId: string, token: string, send: Send): () => void {
    const key = `${userId} ${token}`;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(send));
    const tracked = this.#tracked.get(key);
    if (tracked) send(tracked.event());
    return () => {
      listeners.delete(send);
      if (listeners.size === 0) this.#listeners.delete(key);
    };
  }

  #send(key: string): void {
    const event = this.#tracked.get(key)?.event();
    if (event) for (const send of this.#listeners.get(key) ?? []) send(event);
  }
}

export function archiveProgress(): ArchiveProgress {
  return singleton('archive-progress', () => new ArchiveProgress());
}
