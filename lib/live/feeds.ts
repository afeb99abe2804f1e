import type { Channel } from './protocol';
import { type ServerClock, tabClock } from './server-clock';
import { type LiveSocket, liveSocket } from './socket';

/** The state in an event, and when the server sent it, epoch ms. */
type Snapshot<State> = { state: State; sentAtMs: number };

/**
 * The latest state of each key of one channel, for this tab, together with the server's clock. All listeners of a key
 * share one subscription. Browser only.
 */
export class LiveFeeds<State> {
  readonly #channel: Channel;
  readonly #read: (event: unknown) => Snapshot<State> | null;
  readonly #socket: () => Pick<LiveSocket, 'subscribe'>;
  readonly #clock: ServerClock;
  readonly #feeds = new Map<string, Feed<State>>();

  /** `read` returns `null` for events without a state. */
  constructor(
    channel: Channel,
    read: (event: unknown) => Snapshot<State> | null,
    socket: () => Pick<LiveSocket, 'subscribe'> = liveSocket,
    clock: ServerClock = tabClock,
  ) {
    this.#channel = channel;
    this.#read = read;
    this.#socket = socket;
    this.#clock = clock;
  }

  /** Calls `listener` after each change until the returned function is called. */
  subscribe(key: string, listener: () => void): () => void {
    const feed = this.#feeds.get(key) ?? new Feed<State>();
    this.#feeds.set(key, feed);
    feed.listeners.add(listener);
    // After a gap the last state stays valid: the server sends the current one on subscribing.
    const channelListener = { onEvent: (event: unknown) => this.#receive(feed, event), onGap: () => {} };
    feed.unsubscribe ??= this.#socket().subscribe(this.#channel, channelListener, key);
    return () => {
      feed.listeners.delete(listener);
      if (feed.listeners.size > 0 || this.#feeds.get(key) !== feed) return;
      this.#feeds.delete(key);
      feed.unsubscribe?.();
    };
  }

  /** `null` before the first event, and while the key has no listeners. */
  state(key: string): State | null {
    return this.#feeds.get(key)?.state ?? null;
  }

  #receive(feed: Feed<State>, event: unknown): void {
    const snapshot = this.#read(event);
    if (snapshot === null) return;
    this.#clock.observe(snapshot.sentAtMs, Date.now());
    feed.state = snapshot.state;
    for (const listener of feed.listeners) listener();
  }
}

class Feed<State> {
  readonly listeners = new Set<() => void>();
  state: State | null = null;
  unsubscribe: (() => void) | null = null;
}
