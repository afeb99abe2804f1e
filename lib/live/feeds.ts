import type { Channel } from './protocol';
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
  readonly #feeds = new Map<string, Feed<State>>();

  /** `read` returns `null` for events without a state. */
  constructor(
    channel: Channel,
    read: (event: unknown) => Snapshot<State> | null,
    socket: () => Pick<LiveSocket, 'subscribe'> = liveSocket,
  ) {
    this.#channel = channel;
    this.#read = read;
    this.#socket = socket;
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

  /** The server's clock, estimated from the events of `key`. */
  clock(key: string): Pick<ServerClock, 'at'> {
    return this.#feeds.get(key)?.clock ?? { at: (ms) => ms };
  }

  #receive(feed: Feed<State>, event: unknown): void {
    const snapshot = this.#read(event);
    if (snapshot === null) return;
    feed.clock.observe(snapshot.sentAtMs, Date.now());
    feed.state = snapshot.state;
    for (const listener of feed.listeners) listener();
  }
}

class Feed<State> {
  readonly clock = new ServerClock();
  readonly listeners = new Set<() => void>();
  state: State | null = null;
  unsubscribe: (() => void) | null = null;
}

const MAX_DELAYS = 32;

/**
 * Estimates the server's clock from the send times of its messages. The message with the shortest apparent delay gives
 * the best estimate of the offset between the two clocks. Times in epoch ms.
 */
export class ServerClock {
  readonly #delaysMs: number[] = [];
  #aheadMs = 0;

  /** Records a message that was sent at `sentAtMs` (server's clock) and received at `receivedAtMs` (browser's clock). */
  observe(sentAtMs: number, receivedAtMs: number): void {
    this.#delaysMs.push(receivedAtMs - sentAtMs);
    if (this.#delaysMs.length > MAX_DELAYS) this.#delaysMs.shift();
    this.#aheadMs = Math.min(...this.#delaysMs);
  }

  /** The server's time when the browser's clock shows `browserMs`. The same time before the first observation. */
  at(browserMs: number): number {
    return browserMs - this.#aheadMs;
  }
}
