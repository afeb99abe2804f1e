import {
  type Channel,
  CLOSED_SIGNED_OUT,
  type ClientFrame,
  type Place,
  packBytes,
  parseServerFrame,
  placeName,
  unpackBytes,
} from './protocol';

/** How the connection is, for people: `connecting` for the first time, or `waiting` for it to come back. */
export type LiveState = 'connecting' | 'open' | 'waiting';

export type ChannelListener = {
  onEvent: (payload: unknown) => void;
  /** Events were missed: the connection is new, or was too slow. What is known may be out of date until read again. */
  onGap: () => void;
  /** Bytes, in their order among the events. They are the listener's to keep. */
  onBytes?: (bytes: Uint8Array) => void;
  /** What there is to say on joining, now and after each gap. Of several listeners the first is asked. */
  opening?: () => unknown;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** What a browser says of a connection that broke off. */
const CLOSED_SILENT = 1006;
/** A sign-out without an answer for this long is over, ms. */
const SIGN_OUT_WITHIN_MS = 5_000;

/**
 * The one WebSocket of this tab. Connects while a channel is listened to, reconnects with a growing, jittered wait,
 * and joins its channels again.
 */
export class LiveSocket {
  /** Who listens where, by the name of the place; a place without listeners is not kept. */
  readonly #places = new Map<string, { place: Place; listeners: Set<ChannelListener> }>();
  readonly #stateListeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #state: LiveState = 'connecting';
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;
  #pongTimer: ReturnType<typeof setTimeout> | null = null;
  #signOut: Promise<unknown> = Promise.resolve();
  /** The session has ended, and the page is about to leave. */
  #isOver = false;

  /** Listens to a channel, where it has one to that of its `key`, until the answered function is called. */
  subscribe(channel: Channel, listener: ChannelListener, key?: string): () => void {
    const place: Place = { channel, ...(key === undefined ? {} : { key }) };
    const name = placeName(place);
    const { listeners } = this.#places.get(name) ?? { listeners: new Set<ChannelListener>() };
    this.#places.set(name, { place, listeners });
    listeners.add(listener);
    if (this.#socket?.readyState === WebSocket.OPEN) {
      // A second listener needs the channel's opening words too.
      if (listeners.size > 1) this.#joinAgain(place);
      else this.#join(place);
    } else {
      this.#connect();
    }
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#places.delete(name);
      this.#send({ type: 'unsubscribe', ...place });
    };
  }

  /** Says something to a channel that is listened to; false where that cannot be sent now, and is not. */
  say({ channel, key }: Place, payload: unknown): boolean {
    return this.#send({ type: 'message', channel, ...(key === undefined ? {} : { key }), payload });
  }

  /** Sends bytes to a channel that is listened to, likewise. */
  sendBytes(place: Place, bytes: Uint8Array): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(packBytes(place, bytes));
    return true;
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
    if (this.#places.size === 0 || this.#isOver) return;
    this.#stopTimers();
    // Another attempt may hang for minutes: until one succeeds, the connection stays as lost as it was.
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
      for (const { place } of this.#places.values()) this.#join(place);
      this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receiveBytes(new Uint8Array(data));
      else this.#receive(String(data));
    };
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
    for (const listener of this.#places.get(placeName(frame))?.listeners ?? []) {
      if (frame.type === 'lost') listener.onGap();
      else listener.onEvent(frame.payload);
    }
    // The opening words of a channel say where things stand now.
    if (frame.type === 'lost') this.#joinAgain(this.#places.get(placeName(frame))?.place);
  }

  #receiveBytes(frame: Uint8Array): void {
    const packed = unpackBytes(frame);
    if (packed === null) return;
    for (const listener of this.#places.get(placeName(packed.place))?.listeners ?? [])
      listener.onBytes?.(packed.bytes);
  }

  #closed(code: number, opened: boolean): void {
    this.#stopTimers();
    this.#socket = null;
    if (code === CLOSED_SIGNED_OUT) {
      this.#isOver = true;
      void this.#signOut.then(leaveToSignIn);
      return;
    }
    for (const { listeners } of this.#places.values()) for (const listener of listeners) listener.onGap();
    // A refused upgrade looks like any other failure from here; the session route tells them apart.
    if (!opened) void this.#signOut.then(leaveIfSignedOut);
    const waitMs =
      Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#setState('waiting');
    this.#retryTimer = setTimeout(() => this.#connect(), waitMs);
  }

  /** This tab signs out, and hears of the end of its session before the answer that takes its cookie away: it waits for that. */
  awaitSignOut(answer: Promise<unknown>): void {
    const patience = new Promise((resolve) => setTimeout(resolve, SIGN_OUT_WITHIN_MS));
    this.#signOut = Promise.race([answer.catch(() => {}), patience]);
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

  #joinAgain(place: Place | undefined): void {
    if (!place) return;
    this.#send({ type: 'unsubscribe', ...place });
    this.#join(place);
  }

  #join(place: Place): void {
    const [first] = this.#places.get(placeName(place))?.listeners ?? [];
    const payload = first?.opening?.();
    this.#send({ type: 'subscribe', ...place, ...(payload === undefined ? {} : { payload }) });
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
  const answer = await fetch('/api/session', { cache: 'no-store' }).catch(() => null);
  if (answer?.status === 401) leaveToSignIn();
}

/** Goes where one signs in, and forgets what this page knows. */
export function leaveToSignIn(): void {
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
