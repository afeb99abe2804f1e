import { CHANNELS, type Channel, CLOSED_SIGNED_OUT, type ClientFrame, parseServerFrame } from './protocol';

/** How the connection is, for people: `connecting` for the first time, or `waiting` for it to come back. */
export type LiveState = 'connecting' | 'open' | 'waiting';

export type ChannelListener = {
  onEvent: (payload: unknown) => void;
  /** Events were missed: the connection is new, or was too slow. What is known may be out of date until read again. */
  onGap: () => void;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** What a browser says of a connection that broke off. */
const CLOSED_SILENT = 1006;

/**
 * The one WebSocket of this tab. Connects while a channel is listened to, reconnects with a growing, jittered wait,
 * and joins its channels again.
 */
export class LiveSocket {
  readonly #channels = new Map<Channel, Set<ChannelListener>>(
    CHANNELS.map((channel) => [channel, new Set()]),
  );
  readonly #stateListeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #state: LiveState = 'connecting';
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;
  #pongTimer: ReturnType<typeof setTimeout> | null = null;

  /** Listens to a channel until the answered function is called. */
  subscribe(channel: Channel, listener: ChannelListener): () => void {
    const listeners = this.#channels.get(channel);
    if (!listeners) return () => {};
    listeners.add(listener);
    if (this.#socket?.readyState === WebSocket.OPEN) {
      // A second listener needs the channel's opening words too.
      if (listeners.size > 1) this.#joinAgain(channel);
      else this.#send({ type: 'subscribe', channel });
    } else {
      this.#connect();
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#send({ type: 'unsubscribe', channel });
    };
  }

  /** For `useSyncExternalStore`. */
  readonly state = (): LiveState => this.#state;
  readonly onStateChange = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Tries again now: the network is back, or somebody looks at the tab again. */
  readonly retryNow = (): void => {
    if (this.#state === 'waiting') this.#connect();
  };

  #connect(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    const isWanted = [...this.#channels.values()].some(({ size }) => size > 0);
    if (!isWanted) return;
    this.#stopTimers();
    // Another attempt may hang for minutes: until one succeeds, the connection stays as lost as it was.
    if (this.#failures === 0) this.#setState('connecting');
    const url = new URL('/live', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    let opened = false;
    this.#socket = socket;
    socket.onopen = () => {
      opened = true;
      this.#failures = 0;
      this.#setState('open');
      for (const [channel, listeners] of this.#channels) {
        if (listeners.size > 0) this.#send({ type: 'subscribe', channel });
      }
      this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = ({ code }) => {
      // One that was given up while it took its time to close is no longer ours.
      if (this.#socket === socket) this.#closed(code, opened);
    };
  }

  #receive(text: string): void {
    const frame = parseServerFrame(text);
    if (frame === null) return;
    if (frame.type === 'pong') {
      if (this.#pongTimer) clearTimeout(this.#pongTimer);
      this.#pongTimer = null;
      return;
    }
    for (const listener of this.#channels.get(frame.channel) ?? []) {
      if (frame.type === 'lost') listener.onGap();
      else listener.onEvent(frame.payload);
    }
    // The opening words of a channel say where things stand now.
    if (frame.type === 'lost') this.#joinAgain(frame.channel);
  }

  #closed(code: number, opened: boolean): void {
    this.#stopTimers();
    this.#socket = null;
    if (code === CLOSED_SIGNED_OUT) {
      leaveToSignIn();
      return;
    }
    for (const listeners of this.#channels.values()) for (const listener of listeners) listener.onGap();
    // A refused upgrade looks like any other failure from here; the session route tells them apart.
    if (!opened) void leaveIfSignedOut();
    const waitMs =
      Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#setState('waiting');
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  #ping(): void {
    this.#send({ type: 'ping' });
    this.#pongTimer ??= setTimeout(() => this.#giveUp(), PONG_WITHIN_MS);
  }

  /** A browser tells of a close only once the other side has answered it, and the other side is silent. */
  #giveUp(): void {
    this.#socket?.close();
    this.#closed(CLOSED_SILENT, true);
  }

  #stopTimers(): void {
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#pingTimer) clearInterval(this.#pingTimer);
    if (this.#pongTimer) clearTimeout(this.#pongTimer);
    this.#retryTimer = this.#pingTimer = this.#pongTimer = null;
  }

  #joinAgain(channel: Channel): void {
    this.#send({ type: 'unsubscribe', channel });
    this.#send({ type: 'subscribe', channel });
  }

  #send(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

async function leaveIfSignedOut(): Promise<void> {
  const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null);
  if (answer?.status === 401) leaveToSignIn();
}

function leaveToSignIn(): void {
  window.location.assign('/sign-in');
}

let tabSocket: LiveSocket | null = null;

/** The socket of this tab. In the browser only. */
export function liveSocket(): LiveSocket {
  if (tabSocket) return tabSocket;
  tabSocket = new LiveSocket();
  window.addEventListener('online', tabSocket.retryNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') tabSocket?.retryNow();
  });
  return tabSocket;
}
