import {
  type Channel,
  CLOSED_SIGNED_OUT,
  type ClientFrame,
  packBytes,
  parseServerFrame,
  type Topic,
  topicName,
  unpackBytes,
} from './protocol';

/** `connecting`: for the first time. `waiting`: the connection was lost and is being restored. */
export type LiveState = 'connecting' | 'open' | 'waiting';

export type ChannelListener = {
  onEvent: (payload: unknown) => void;
  /** Events were missed because the connection was lost or too slow. Known state may be stale until the next event. */
  onGap: () => void;
  /** Called in order with the events. The listener may keep the bytes. */
  onBytes?: (bytes: Uint8Array) => void;
  /** The payload of each `subscribe` frame. Only the topic's first listener provides it. */
  joinPayload?: () => unknown;
};

const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** The close code of a connection that broke without a close frame. */
const CLOSED_ABNORMALLY = 1006;
/** How long to wait for the response to a sign-out, ms. */
const SIGN_OUT_WITHIN_MS = 5_000;

/**
 * The single WebSocket of this tab. Connects while a topic has listeners, reconnects with exponential backoff and
 * jitter, and then subscribes to all topics again.
 */
export class LiveSocket {
  /** The topics that have listeners, by topic name. */
  readonly #topics = new Map<string, { topic: Topic; listeners: Set<ChannelListener> }>();
  readonly #stateListeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #state: LiveState = 'connecting';
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;
  #pongTimer: ReturnType<typeof setTimeout> | null = null;
  #signOut: Promise<unknown> = Promise.resolve();
  /** The session has ended, and the page is about to navigate away. */
  #isSignedOut = false;

  /** Subscribes to a channel, or to one of its keys, until the returned function is called. */
  subscribe(channel: Channel, listener: ChannelListener, key?: string): () => void {
    const topic: Topic = { channel, ...(key === undefined ? {} : { key }) };
    const name = topicName(topic);
    const { listeners } = this.#topics.get(name) ?? { listeners: new Set<ChannelListener>() };
    this.#topics.set(name, { topic, listeners });
    listeners.add(listener);
    if (this.#socket?.readyState === WebSocket.OPEN) {
      // A second listener needs the initial state too, which the server sends on subscribing.
      if (listeners.size > 1) this.#resubscribe(topic);
      else this.#subscribe(topic);
    } else {
      this.#connect();
    }
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#topics.delete(name);
      this.#send({ type: 'unsubscribe', ...topic });
    };
  }

  /** Sends a message to a subscribed topic. Returns false, and sends nothing, while disconnected. */
  sendMessage({ channel, key }: Topic, payload: unknown): boolean {
    return this.#send({ type: 'message', channel, ...(key === undefined ? {} : { key }), payload });
  }

  /** Sends bytes to a subscribed topic. Returns false, and sends nothing, while disconnected. */
  sendBytes(topic: Topic, bytes: Uint8Array): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(packBytes(topic, bytes));
    return true;
  }

  /** For `useSyncExternalStore`. */
  readonly state = (): LiveState => this.#state;
  readonly onStateChange = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Skips the rest of the wait, for example when the network is back or the tab becomes visible. */
  readonly retryNow = (): void => {
    if (this.#state === 'waiting') this.#connect();
  };

  #connect(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    if (this.#topics.size === 0 || this.#isSignedOut) return;
    this.#stopTimers();
    // A retry may hang for minutes, so the state stays `waiting` until one succeeds.
    if (this.#failures === 0) this.#setState('connecting');
    const url = new URL('/live', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    let opened = false;
    this.#socket = socket;
    socket.onopen = () => {
      opened = true;
      this.#failures = 0;
      this.#setState('open');
      for (const { topic } of this.#topics.values()) this.#subscribe(topic);
      this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receiveBytes(new Uint8Array(data));
      else this.#receive(String(data));
    };
    socket.onclose = ({ code }) => {
      // An abandoned socket may close late, when another one has replaced it.
      if (this.#socket === socket) this.#handleClose(code, opened);
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
    const subscribed = this.#topics.get(topicName(frame));
    for (const listener of subscribed?.listeners ?? []) {
      if (frame.type === 'lost') listener.onGap();
      else listener.onEvent(frame.payload);
    }
    // Subscribing again makes the server send the current state.
    if (frame.type === 'lost' && subscribed) this.#resubscribe(subscribed.topic);
  }

  #receiveBytes(frame: Uint8Array): void {
    const packed = unpackBytes(frame);
    if (packed === null) return;
    for (const listener of this.#topics.get(topicName(packed.topic))?.listeners ?? [])
      listener.onBytes?.(packed.bytes);
  }

  #handleClose(code: number, opened: boolean): void {
    this.#stopTimers();
    this.#socket = null;
    if (code === CLOSED_SIGNED_OUT) {
      this.#isSignedOut = true;
      void this.#signOut.then(leaveToSignIn);
      return;
    }
    for (const { listeners } of this.#topics.values()) for (const listener of listeners) listener.onGap();
    // The browser does not report why an upgrade failed, so ask whether the session has ended.
    if (!opened) void this.#signOut.then(leaveIfSignedOut);
    const waitMs = Math.min(MIN_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#setState('waiting');
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  /**
   * Delays leaving the page until this tab's own sign-out has been answered. The socket is closed before that answer
   * removes the cookie.
   */
  awaitSignOut(response: Promise<unknown>): void {
    const timeout = new Promise((resolve) => setTimeout(resolve, SIGN_OUT_WITHIN_MS));
    this.#signOut = Promise.race([response.catch(() => {}), timeout]);
  }

  #ping(): void {
    this.#send({ type: 'ping' });
    this.#pongTimer ??= setTimeout(() => this.#abandon(), PONG_WITHIN_MS);
  }

  /** Does not wait for the close event, which a browser fires only after the silent server has answered. */
  #abandon(): void {
    this.#socket?.close();
    this.#handleClose(CLOSED_ABNORMALLY, true);
  }

  #stopTimers(): void {
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#pingTimer) clearInterval(this.#pingTimer);
    if (this.#pongTimer) clearTimeout(this.#pongTimer);
    this.#retryTimer = this.#pingTimer = this.#pongTimer = null;
  }

  #resubscribe(topic: Topic): void {
    this.#send({ type: 'unsubscribe', ...topic });
    this.#subscribe(topic);
  }

  #subscribe(topic: Topic): void {
    const [first] = this.#topics.get(topicName(topic))?.listeners ?? [];
    const payload = first?.joinPayload?.();
    this.#send({ type: 'subscribe', ...topic, ...(payload === undefined ? {} : { payload }) });
  }

  #send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}

async function leaveIfSignedOut(): Promise<void> {
  const response = await fetch('/api/session', { cache: 'no-store' }).catch(() => null);
  if (response?.status === 401) leaveToSignIn();
}

/** Reloads the sign-in page, which discards all data in this page. */
export function leaveToSignIn(): void {
  window.location.assign('/sign-in');
}

let tabSocket: LiveSocket | null = null;

/** The socket of this tab. Browser only. */
export function liveSocket(): LiveSocket {
  if (tabSocket) return tabSocket;
  tabSocket = new LiveSocket();
  window.addEventListener('online', tabSocket.retryNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') tabSocket?.retryNow();
  });
  return tabSocket;
}
