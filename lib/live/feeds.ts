import type { Channel } from './protocol';
import { ServerClock } from './server-clock';
import { type LiveSocket, liveSocket } from './socket';

/** What an event says: how things stand, and when the server said so, epoch ms. */
type Said<State> = { state: State; sentAtMs: number };

/**
 * What this tab hears on a channel with keys, the last that was said of each: one subscription per key for all of a page
 * that ask, so that the server sees one who looks, and the server's clock beside it. In the browser only.
 */
export class LiveFeeds<State> {
  readonly #channel: Channel;
  readonly #read: (event: unknown) => Said<State> | null;
  readonly #socket: () => Pick<LiveSocket, 'subscribe'>;
  readonly #feeds = new Map<string, Feed<State>>();

  /** `read` answers `null` for events that say nothing of how things stand. */
  constructor(
    channel: Channel,
    read: (event: unknown) => Said<State> | null,
    socket: () => Pick<LiveSocket, 'subscribe'> = liveSocket,
  ) {
    this.#channel = channel;
    this.#read = read;
    this.#socket = socket;
  }

  /** Listens until the answered function is called. */
  subscribe(key: string, listener: () => void): () => void {
    const feed = this.#feeds.get(key) ?? new Feed<State>();
    this.#feeds.set(key, feed);
    feed.listeners.add(listener);
    // What was known holds until the server says otherwise, which it does on joining.
    const heard = { onEvent: (event: unknown) => this.#receive(feed, event), onGap: () => {} };
    feed.leave ??= this.#socket().subscribe(this.#channel, heard, key);
    return () => {
      feed.listeners.delete(listener);
      if (feed.listeners.size > 0 || this.#feeds.get(key) !== feed) return;
      this.#feeds.delete(key);
      feed.leave?.();
    };
  }

  /** `null` until the server has said, and while nobody listens. */
  state(key: string): State | null {
    return this.#feeds.get(key)?.state ?? null;
  }

  /** The server's clock, as far as this tab has heard it tell of `key`. */
  clock(key: string): Pick<ServerClock, 'at'> {
    return this.#feeds.get(key)?.clock ?? { at: (ms) => ms };
  }

  #receive(feed: Feed<State>, event: unknown): void {
    const said = this.#read(event);
    if (said === null) return;
    feed.clock.observe(said.sentAtMs, Date.now());
    feed.state = said.state;
    for (const listener of feed.listeners) listener();
  }
}

/** What is known of one key, and who asked. */
class Feed<State> {
  readonly clock = new ServerClock();
  readonly listeners = new Set<() => void>();
  state: State | null = null;
  leave: (() => void) | null = null;
}
