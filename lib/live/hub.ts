import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { buildId } from '../build-id';
import { type Grants, mayIn, type Scope } from '../grants';
import type { Role } from '../roles';
import { singleton } from '../singleton';
import {
  BEAT_EVERY_MS,
  type Channel,
  CLOSED_BAD_FRAME,
  CLOSED_SIGNED_OUT,
  type PolledEvent,
  packBytes,
  parseClientFrame,
  type ServerFrame,
  type Topic,
  topicName,
  unpackBytes,
} from './protocol';

/** The session that a socket was opened under. `may`: whether it has the role on a connection, or with `null` on any. */
export type LiveSession = {
  sessionId: string;
  userId: string;
  actor: string;
  grants: Grants;
};

/** What a subscriber of a channel needs. */
export type ChannelGuard = {
  role: Role;
  /** Where a key needs the role. The key is untrusted. */
  where: (key: string) => Scope;
  /** Sent to those who lack the role. Without it they receive nothing, as for a key that does not exist. */
  refusal?: unknown;
};

/**
 * Serves one subscription to a channel: starts publishing events and returns how to stop, or a `Subscription` if it also
 * receives messages. The subscriber has what the guard of the channel requires.
 */
export type ChannelSource = (
  publish: (payload: unknown) => void,
  subscriber: Subscriber,
) => (() => void) | Subscription;

export type Subscriber = {
  /** Empty for channels without keys. */
  key: string;
  session: LiveSession;
  /** The payload of the `subscribe` frame. Untrusted: the channel's own protocol has to parse it. */
  joinPayload: unknown;
  /** Publishes bytes, in order with the events. Never dropped: the channel's own protocol limits them. */
  sendBytes: (bytes: Uint8Array) => void;
  /** Whether the session is still valid. Closes the socket if it is not. */
  recheck: () => Promise<boolean>;
};

/** A subscription that also receives messages, in the order in which they were sent. */
export type Subscription = {
  leave: () => void;
  onMessage: (payload: unknown) => void;
  onBytes: (bytes: Uint8Array) => void;
};

/** Injected, because this room does not depend on sessions or origins. */
export type UpgradeCheck = (req: IncomingMessage) => Promise<Admission>;
export type Admission =
  | {
      ok: true;
      session: LiveSession;
      sessionStillValid: () => Promise<boolean>;
      /** Called for messages of the person, at most once a minute. */
      noteUse?: () => Promise<void>;
    }
  | { ok: false; status: 401 | 403; message: string };

const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
/** Disconnects a client with this much unread. All channels together keep less under way. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const RECHECK_EVERY_MS = 15_000;
const SILENT_AFTER_MS = 60_000;
const USE_EVERY_MS = 60_000;
const MAX_TOPICS_PER_SOCKET = 256;
/** How long a first poll waits for the state, which some channels read from the database. */
const FIRST_EVENT_MS = 1_000;
/** The close code of WebSocket for an internal error. */
const CLOSED_FAILED = 1011;

/** The open `/live` sockets of this process and their subscriptions. */
export class Hub {
  readonly #recheckEveryMs: number;
  readonly #build: string;
  #beatTimer: ReturnType<typeof setInterval> | null = null;
  /** The open sockets, each with the function that rechecks its session. */
  readonly #sockets = new Map<WebSocket, () => Promise<boolean>>();
  readonly #sources = new Map<Channel, ChannelSource>();
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024,
    perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { level: 1 }, serverNoContextTakeover: true },
  });

  /** `build` identifies the code of the server. */
  constructor({ recheckEveryMs = RECHECK_EVERY_MS, build = buildId() } = {}) {
    this.#recheckEveryMs = recheckEveryMs;
    this.#build = build;
  }

  /** Sets the source of a channel. Replaces an earlier one, which happens on hot reload in development. */
  provide(channel: Channel, guard: ChannelGuard, source: ChannelSource): void {
    this.#sources.set(channel, (publish, subscriber) => {
      if (mayIn(subscriber.session.grants, guard.role, guard.where(subscriber.key)))
        return source(publish, subscriber);
      if (guard.refusal !== undefined) publish(guard.refusal);
      return () => {};
    });
  }

  /** Answers a refused upgrade over HTTP, because the browser would otherwise wait. Takes over an accepted socket. */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, check: UpgradeCheck): Promise<void> {
    socket.on('error', () => socket.destroy());
    const admission = await check(req).catch(() => null);
    if (!admission?.ok) {
      const { status, message } = admission ?? { status: 500, message: 'The session could not be checked.' };
      // A client that does not close its side would keep the connection.
      socket.once('finish', () => socket.destroy());
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${message}\n`,
      );
      return;
    }
    try {
      this.#server.handleUpgrade(req, socket, head, (ws) => this.#serve(ws, admission));
    } catch (error) {
      console.error('A live socket could not be opened:', error);
      socket.destroy();
    }
  }

  /**
   * Serves topics to a browser that cannot open a socket: the events of new subscriptions and of the `waitMs` after them, or
   * only the first event of each topic if that is `null`.
   */
  async poll(
    topics: readonly Topic[],
    session: LiveSession,
    waitMs: number | null,
    signal: AbortSignal,
  ): Promise<PolledEvent[]> {
    const events: PolledEvent[] = [];
    const unheard = new Set(topics);
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const leaves = topics.map((topic) => {
      const publish = (payload: unknown) => {
        events.push({ ...topic, payload });
        unheard.delete(topic);
        if (waitMs === null && unheard.size === 0) end();
      };
      const subscriber = {
        key: topic.key ?? '',
        session,
        joinPayload: undefined,
        sendBytes: () => {},
        recheck: async () => true,
      };
      try {
        const served = this.#sources.get(topic.channel)?.(publish, subscriber);
        return typeof served === 'function' ? served : (served?.leave ?? (() => {}));
      } catch (error) {
        // The other topics are still served.
        console.error(`Polling ${topicName(topic)} failed:`, error);
        return () => {};
      }
    });
    const timer = setTimeout(end, waitMs ?? FIRST_EVENT_MS);
    signal.addEventListener('abort', end, { once: true });
    if (!signal.aborted) await ended;
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    for (const leave of leaves) leave();
    return events;
  }

  /** Closes every socket. Browsers reconnect on their own when the server is back. */
  close(): void {
    for (const ws of this.#sockets.keys()) ws.close(1001, 'The server is stopping.');
    for (const ws of this.#sockets.keys()) setTimeout(() => ws.terminate(), 500).unref();
  }

  /** Closes the sockets of ended sessions now instead of at their next periodic check. */
  recheckSessions(): void {
    for (const recheck of this.#sockets.values()) void recheck();
  }

  /** A browser that has not read the last frames hears from them that the connection works. */
  #beat(): void {
    for (const ws of this.#sockets.keys()) if (ws.bufferedAmount === 0) sendFrame(ws, { type: 'beat' });
  }

  #serve(ws: WebSocket, { session, sessionStillValid, noteUse }: Admission & { ok: true }): void {
    const subscriptions: Subscriptions = new Map();
    let lastMessageAtMs = Date.now();
    let lastUseAtMs = lastMessageAtMs;
    const onUse = () => {
      if (Date.now() - lastUseAtMs < USE_EVERY_MS) return;
      lastUseAtMs = Date.now();
      void noteUse?.().catch(() => {});
    };
    const recheck = async () => {
      const isValid = await sessionStillValid().catch(() => true);
      if (!isValid) ws.close(CLOSED_SIGNED_OUT, 'Signed out.');
      return isValid;
    };
    this.#sockets.set(ws, recheck);
    sendFrame(ws, { type: 'hello', build: this.#build });
    this.#beatTimer ??= setInterval(() => this.#beat(), BEAT_EVERY_MS);

    const timer = setInterval(() => {
      if (Date.now() - lastMessageAtMs > SILENT_AFTER_MS) ws.terminate();
      else void recheck();
    }, this.#recheckEveryMs);

    // A message belongs to the request that opened the socket.
    const inOwnRequest = AsyncLocalStorage.snapshot();
    ws.on('message', (data, isBinary) =>
      inOwnRequest(() => {
        // A client may keep sending after the close frame.
        if (ws.readyState !== ws.OPEN) return;
        // Subscribing again and again queues a full state each time.
        if (ws.bufferedAmount > MAX_UNREAD_BYTES) {
          ws.terminate();
          return;
        }
        lastMessageAtMs = Date.now();
        try {
          if (!this.#handleFrame(ws, subscriptions, { session, recheck, onUse }, data, isBinary))
            ws.close(CLOSED_BAD_FRAME, 'Not a frame of this protocol.');
        } catch (error) {
          // A channel could not handle it. The browser connects again.
          console.error('A message on a live socket failed:', error);
          ws.close(CLOSED_FAILED, 'Something unexpected happened.');
        }
      }),
    );
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      clearInterval(timer);
      this.#sockets.delete(ws);
      if (this.#sockets.size === 0 && this.#beatTimer) {
        clearInterval(this.#beatTimer);
        this.#beatTimer = null;
      }
      for (const name of [...subscriptions.keys()]) {
        try {
          unsubscribe(subscriptions, name);
        } catch (error) {
          // The other subscriptions still have to end.
          console.error(`Leaving ${name} failed:`, error);
        }
      }
    });
  }

  /** Returns false for a malformed frame. Ignores messages to topics that the socket has not subscribed to. */
  #handleFrame(
    ws: WebSocket,
    subscriptions: Subscriptions,
    client: Client,
    data: RawData,
    isBinary: boolean,
  ): boolean {
    if (isBinary) {
      client.onUse();
      const packed = unpackBytes(toBytes(data));
      if (packed !== null) subscriptions.get(topicName(packed.topic))?.onBytes(packed.bytes);
      return packed !== null;
    }
    const frame = parseClientFrame(data.toString());
    if (frame === null) return false;
    if (frame.type === 'ping') sendFrame(ws, { type: 'pong' });
    else if (frame.type === 'unsubscribe') unsubscribe(subscriptions, topicName(frame));
    else if (frame.type === 'message') {
      client.onUse();
      subscriptions.get(topicName(frame))?.onMessage(frame.payload);
    } else if (!subscriptions.has(topicName(frame)) && subscriptions.size < MAX_TOPICS_PER_SOCKET)
      this.#subscribe(ws, subscriptions, frame, { ...client, joinPayload: frame.payload });
    return true;
  }

  #subscribe(
    ws: WebSocket,
    subscriptions: Subscriptions,
    { channel, key }: Topic,
    client: Client & Pick<Subscriber, 'joinPayload'>,
  ): void {
    const topic: Topic = { channel, ...(key === undefined ? {} : { key }) };
    const source = this.#sources.get(channel);
    if (!source) return;
    let isDropping = false;
    const publish = (payload: unknown) => {
      // A slow browser loses events instead of growing the queue. The `lost` frame is queued at once, so it arrives even
      // if no later event follows.
      const isFull = ws.bufferedAmount > MAX_QUEUED_BYTES;
      if (!isFull) sendFrame(ws, { type: 'event', ...topic, payload });
      else if (!isDropping) sendFrame(ws, { type: 'lost', ...topic });
      isDropping = isFull;
    };
    const sendBytes = (bytes: Uint8Array) => {
      // Compressing terminal output costs more processor time than the saved bandwidth is worth.
      if (ws.readyState === ws.OPEN) ws.send(packBytes(topic, bytes), { binary: true, compress: false });
    };
    const served = source(publish, { ...client, key: key ?? '', sendBytes });
    subscriptions.set(
      topicName(topic),
      typeof served === 'function' ? { onMessage: () => {}, onBytes: () => {}, leave: served } : served,
    );
  }
}

type Client = Pick<Subscriber, 'session' | 'recheck'> & { onUse: () => void };
/** The subscriptions of one socket, by topic name. */
type Subscriptions = Map<string, Subscription>;

function unsubscribe(subscriptions: Subscriptions, name: string): void {
  const subscription = subscriptions.get(name);
  subscriptions.delete(name);
  subscription?.leave();
}

function toBytes(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Array.isArray(data) ? Buffer.concat(data) : data;
}

function sendFrame(ws: WebSocket, frame: ServerFrame): void {
  if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(frame));
}

export function hub(): Hub {
  return singleton('hub', () => new Hub());
}
