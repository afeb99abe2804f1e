import { forgetTyped } from '../kept-text';
import { checkPage, type PageStatus, pageStatus } from '../page-state';
import {
  BEAT_EVERY_MS,
  type Channel,
  CLOSED_SIGNED_OUT,
  type ClientFrame,
  type PolledEvent,
  packBytes,
  parseServerFrame,
  type Topic,
  topicName,
  unpackBytes,
} from './protocol';
import { TopicPolling } from './topic-polling';

/**
 * - `connecting`: for the first time. `open`: the server was heard within the last seconds.
 * - `waiting`: the connection was lost or is silent, and is being restored. `offline`: so is the browser's network.
 * - `blocked`: the server answers requests but no socket works, for example behind a proxy that does not pass them.
 *   Channels that can be polled are.
 */
export type LiveState = 'connecting' | 'open' | 'waiting' | 'offline' | 'blocked';

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
/** The server closes a socket from which it hears nothing for a minute. */
const PING_EVERY_MS = 20_000;
/**
 * Times in ms. A silent connection is reported after `silentAfter` and replaced after `deadAfter`. The server may take
 * `helloWithin` for its first frame.
 */
const TIMING = { silentAfter: 3 * BEAT_EVERY_MS, deadAfter: 10 * BEAT_EVERY_MS, helloWithin: 5_000 };
/** How long the server may take to prove that the browser's network is not needed, ms. */
const OFFLINE_WITHIN_MS = 1_000;
/** Attempts that must fail while the server answers requests. One fails whenever the server restarts. */
const MIN_BLOCKED_ATTEMPTS = 2;
/** The close code of a connection that broke without a close frame. */
const CLOSED_ABNORMALLY = 1006;

/**
 * The single WebSocket of this tab. Connects while a topic has listeners, reconnects with exponential backoff and
 * jitter, and then subscribes to all topics again. Stops when the session ends, until the person has signed in again.
 */
export class LiveSocket {
  readonly #page: PageStatus;
  readonly #timing: typeof TIMING;
  /** The topics that have listeners, by topic name. */
  readonly #topics = new Map<string, { topic: Topic; listeners: Set<ChannelListener> }>();
  readonly #stateListeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  /** Whether the server has sent its first frame on the current socket. */
  #isOpen = false;
  #heardAtMs = 0;
  #state: LiveState = 'connecting';
  #failures = 0;
  #blockedAttempts = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #helloTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;
  #watchTimer: ReturnType<typeof setInterval> | null = null;
  /** `null` while the socket is not blocked. */
  #polling: TopicPolling | null = null;
  /** The session has ended, or `close` was called. */
  #isStopped = false;

  constructor(page: PageStatus = pageStatus(), timing = TIMING) {
    this.#page = page;
    this.#timing = timing;
    page.onRestored(() => {
      this.#isStopped = false;
      this.#connect();
    });
  }

  /** Closes the socket for good. */
  close(): void {
    this.#isStopped = true;
    this.#stopTimers();
    this.#setState('waiting');
    this.#socket?.close();
    this.#socket = null;
  }

  /** Subscribes to a channel, or to one of its keys, until the returned function is called. */
  subscribe(channel: Channel, listener: ChannelListener, key?: string): () => void {
    const topic: Topic = { channel, ...(key === undefined ? {} : { key }) };
    const name = topicName(topic);
    const { listeners } = this.#topics.get(name) ?? { listeners: new Set<ChannelListener>() };
    this.#topics.set(name, { topic, listeners });
    listeners.add(listener);
    // The state of a topic is needed at once, also by a further listener. Its news come with the next round.
    this.#polling?.readNow(topic);
    if (this.#isOpen) {
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
    if (!this.#isOpen || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(packBytes(topic, bytes));
    return true;
  }

  /** For `useSyncExternalStore`. */
  readonly state = (): LiveState => this.#state;
  readonly onStateChange = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  /** Skips the rest of the wait, for example when the tab becomes visible. */
  readonly retryNow = (): void => {
    if (!this.#isOpen) this.#connect();
  };

  /** The network is back. The old connection went through the network that is gone. */
  readonly networkIsBack = (): void => {
    if (this.#state !== 'connecting' && this.#state !== 'open') this.#abandon();
    this.#failures = 0;
    this.#connect();
  };

  /** The browser says that the network is gone. It may still reach a server on the same computer. */
  readonly networkIsGone = async (): Promise<void> => {
    if (await checkPage(this.#page, OFFLINE_WITHIN_MS)) return;
    this.#abandon();
    this.#setState(this.#lostState());
  };

  #connect(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    if (this.#topics.size === 0 || this.#isStopped) return;
    this.#stopTimers();
    const url = new URL('/live', window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#helloTimer = setTimeout(() => this.#abandon(), this.#timing.helloWithin);
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      this.#hear();
      if (data instanceof ArrayBuffer) this.#receiveBytes(new Uint8Array(data));
      else this.#receive(String(data));
    };
    socket.onclose = ({ code }) => {
      // An abandoned socket may close late, when another one has replaced it.
      if (this.#socket === socket) this.#handleClose(code);
    };
  }

  /** Called for every frame, before it is handled. */
  #hear(): void {
    this.#heardAtMs = Date.now();
    if (this.#isOpen) {
      this.#setState('open');
      return;
    }
    this.#stopTimers();
    this.#isOpen = true;
    this.#failures = this.#blockedAttempts = 0;
    this.#setState('open');
    for (const { topic } of this.#topics.values()) this.#subscribe(topic);
    this.#pingTimer = setInterval(() => this.#send({ type: 'ping' }), PING_EVERY_MS);
    this.#watchTimer = setInterval(this.#watch(), BEAT_EVERY_MS);
  }

  /** Returns the check for silence. A tab that was suspended has not read what arrived, so it does not count as silence. */
  #watch(): () => void {
    let watchedAtMs = Date.now();
    return () => {
      const nowMs = Date.now();
      if (nowMs - watchedAtMs > 2 * BEAT_EVERY_MS) this.#heardAtMs = nowMs;
      watchedAtMs = nowMs;
      const silentMs = nowMs - this.#heardAtMs;
      if (silentMs > this.#timing.deadAfter) this.#abandon();
      else if (silentMs > this.#timing.silentAfter) this.#setState(this.#lostState());
    };
  }

  #receive(text: string): void {
    const frame = parseServerFrame(text);
    if (frame === null || frame.type === 'beat' || frame.type === 'pong') return;
    if (frame.type === 'hello') {
      this.#page.sawBuild(frame.build);
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

  #handleClose(code: number): void {
    const wasOpen = this.#isOpen;
    this.#stopTimers();
    this.#socket = null;
    this.#isOpen = false;
    for (const { topic } of this.#topics.values()) this.#reportGap(topic);
    if (code === CLOSED_SIGNED_OUT) {
      this.#setState('waiting');
      void this.#findEnd();
      return;
    }
    const waitMs = Math.min(MIN_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#setState(this.#lostState());
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
    // The browser does not report why an upgrade failed.
    if (!wasOpen) void this.#findReason();
  }

  /** The server closed the socket because the session has ended, or because its role has changed. */
  async #findEnd(): Promise<void> {
    const isReachable = await checkPage(this.#page);
    if (this.#isStopped) return;
    if (this.#page.state().session !== 'valid' || this.#page.isLeaving()) this.#isStopped = true;
    else if (isReachable) this.#page.sessionChanged();
    else this.#retryTimer = setTimeout(() => this.#connect(), MIN_RETRY_MS);
  }

  /** Asks the server over HTTP whether the session has ended, or whether only sockets do not work. */
  async #findReason(): Promise<void> {
    const isReachable = await checkPage(this.#page);
    if (this.#isOpen || this.#isStopped) return;
    if (this.#page.state().session !== 'valid') {
      this.#stopTimers();
      this.#isStopped = true;
      this.#setState('waiting');
      return;
    }
    this.#blockedAttempts = isReachable ? this.#blockedAttempts + 1 : 0;
    this.#setState(this.#lostState());
  }

  #lostState(): LiveState {
    if (this.#blockedAttempts >= MIN_BLOCKED_ATTEMPTS) return 'blocked';
    return navigator.onLine === false ? 'offline' : 'waiting';
  }

  #startPolling(): TopicPolling {
    return new TopicPolling(() => [...this.#topics.values()].map(({ topic }) => topic), {
      onGap: (topic) => this.#reportGap(topic),
      onEvent: (event) => this.#publish(event),
    });
  }

  #reportGap(topic: Topic): void {
    for (const listener of this.#topics.get(topicName(topic))?.listeners ?? []) listener.onGap();
  }

  #publish({ payload, ...topic }: PolledEvent): void {
    for (const listener of this.#topics.get(topicName(topic))?.listeners ?? []) listener.onEvent(payload);
  }

  /** Does not wait for the close event, which a browser fires only after the silent server has answered. */
  #abandon(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#handleClose(CLOSED_ABNORMALLY);
    socket.close();
  }

  #stopTimers(): void {
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    if (this.#helloTimer) clearTimeout(this.#helloTimer);
    if (this.#pingTimer) clearInterval(this.#pingTimer);
    if (this.#watchTimer) clearInterval(this.#watchTimer);
    this.#retryTimer = this.#helloTimer = this.#pingTimer = this.#watchTimer = null;
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
    if (!this.#isOpen || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#polling?.stop();
    this.#polling = state === 'blocked' ? this.#startPolling() : null;
    for (const listener of this.#stateListeners) listener();
  }
}

/** Loads the sign-in page, which discards all data in this page. */
export function leaveToSignIn(address = '/sign-in'): void {
  forgetTyped();
  window.location.assign(address);
}

let tabSocket: LiveSocket | null = null;

/** The socket of this tab. Browser only. */
export function liveSocket(): LiveSocket {
  if (tabSocket) return tabSocket;
  const socket = new LiveSocket();
  tabSocket = socket;
  window.addEventListener('online', socket.networkIsBack);
  window.addEventListener('offline', () => void socket.networkIsGone());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') socket.retryNow();
  });
  pageStatus().subscribe(() => {
    if (pageStatus().state().session === 'left') leaveToSignIn();
  });
  return socket;
}
