import 'server-only';
import { singleton } from '../../../singleton';
import { type ArchiveCount, type ArchiveEvent, isArchiveToken } from './schema';

type Send = (event: ArchiveEvent) => void;

const SEND_EVERY_MS = 500;
/** How long a result is kept for late subscribers, ms. */
const KEEP_MS = 60_000;

type Tracked = { event: () => ArchiveEvent; isOver: boolean };

/** The progress of archive downloads by a token of the browser, because a page cannot follow the browser's own download. */
export class ArchiveProgress {
  readonly #tracked = new Map<string, Tracked>();
  readonly #listeners = new Map<string, Set<Send>>();

  /** Tracks an archive under `token`. Does nothing for an invalid token. Returns functions to report progress and the end. */
  begin(token: string | null): {
    onCount: (count: ArchiveCount) => void;
    onEnd: (failure: string | null) => void;
  } {
    if (!isArchiveToken(token) || this.#tracked.has(token)) return { onCount: () => {}, onEnd: () => {} };
    let count: ArchiveCount | null = null;
    const tracked: Tracked = {
      event: () => ({ kind: 'progress', count: count && { ...count } }),
      isOver: false,
    };
    this.#tracked.set(token, tracked);
    const timer = setInterval(() => this.#send(token), SEND_EVERY_MS);
    return {
      onCount: (current) => {
        count = current;
      },
      onEnd: (failure) => {
        if (tracked.isOver) return;
        tracked.isOver = true;
        clearInterval(timer);
        tracked.event = () => ({ kind: 'ended', count: count && { ...count }, failure });
        this.#send(token);
        setTimeout(() => this.#tracked.delete(token), KEEP_MS).unref();
      },
    };
  }

  /** Sends the progress of `token`. Returns a function that unsubscribes. */
  listen(token: string, send: Send): () => void {
    const listeners = this.#listeners.get(token) ?? new Set();
    this.#listeners.set(token, listeners.add(send));
    const tracked = this.#tracked.get(token);
    if (tracked) send(tracked.event());
    return () => {
      listeners.delete(send);
      if (listeners.size === 0) this.#listeners.delete(token);
    };
  }

  #send(token: string): void {
    const event = this.#tracked.get(token)?.event();
    if (event) for (const send of this.#listeners.get(token) ?? []) send(event);
  }
}

export function archiveProgress(): ArchiveProgress {
  return singleton('archive-progress', () => new ArchiveProgress());
}
