import 'server-only';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { singleton } from '../singleton';
import {
  type Channel,
  CLOSED_BAD_FRAME,
  CLOSED_SIGNED_OUT,
  type Place,
  packBytes,
  parseClientFrame,
  placeName,
  type ServerFrame,
  unpackBytes,
} from './protocol';

/** Who listens: the session that the socket was opened under, and whether its role is this one or more. */
export type Listener = { sessionId: string; actor: string; isAtLeast: (role: string) => boolean };

/**
 * What a channel does for one listener: start telling it things, and answer how to stop, or how to speak with it. `key` is
 * empty for channels that have none; whether this listener may hear that is the source's to decide.
 */
export type ChannelSource = (
  send: (payload: unknown) => void,
  from: ChannelCaller,
) => (() => void) | Conversation;

/** Who joins a channel, and what besides events it can be told. */
export type ChannelCaller = {
  key: string;
  listener: Listener;
  /** What it says on joining. From outside: the channel's own protocol has to parse it. */
  opening: unknown;
  /** Bytes, behind whatever was sent before. Never dropped: the channel's own protocol keeps them few. */
  sendBytes: (bytes: Uint8Array) => void;
  /** Whether its session holds at this moment; if it does not, its socket is closed. */
  recheck: () => Promise<boolean>;
};

/** A channel that listens, too. What arrives comes in the order in which it was sent. */
export type Conversation = {
  leave: () => void;
  onMessage: (payload: unknown) => void;
  onBytes: (bytes: Uint8Array) => void;
};

/** Handed in, so that this room needs to know nothing of sessions or origins. */
export type UpgradeCheck = (req: IncomingMessage) => Promise<Admission>;
export type Admission =
  | { ok: true; listener: Listener; sessionStillValid: () => Promise<boolean> }
  | { ok: false; status: 401 | 403; message: string };

const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
/** Who leaves this much unread and goes on asking is cut off: more than all that channels keep under way together. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
const RECHECK_EVERY_MS = 15_000;
const SILENT_AFTER_MS = 60_000;
/** How much one socket may listen to at once. */
const MAX_PLACES = 64;

/** Every open `/live` socket of this process and the channels they listen to. */
export class Hub {
  readonly #recheckEveryMs: number;
  /** Each open socket, with what checks its session again. */
  readonly #sockets = new Map<WebSocket, () => Promise<boolean>>();
  readonly #sources = new Map<Channel, ChannelSource>();
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: 64 * 1024,
    perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { level: 1 }, serverNoContextTakeover: true },
  });

  constructor({ recheckEveryMs = RECHECK_EVERY_MS } = {}) {
    this.#recheckEveryMs = recheckEveryMs;
  }

  /** Says where a channel's events come from. Later calls replace it (a reload of this code in development). */
  provide(channel: Channel, source: ChannelSource): void {
    this.#sources.set(channel, source);
  }

  /** Checks an upgrade itself (a refusal further in would leave the browser hanging) and takes the socket over. */
  async upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, check: UpgradeCheck): Promise<void> {
    socket.on('error', () => socket.destroy());
    const admission = await check(req).catch(() => null);
    if (!admission?.ok) {
      const { status, message } = admission ?? { status: 500, message: 'The session could not be checked.' };
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${message}\n`,
      );
      return;
    }
    this.#server.handleUpgrade(req, socket, head, (ws) => this.#attend(ws, admission));
  }

  /** Closes every socket; browsers reconnect by themselves when we are back. */
  close(): void {
    for (const ws of this.#sockets.keys()) ws.close(1001, 'The server is stopping.');
    for (const ws of this.#sockets.keys()) setTimeout(() => ws.terminate(), 500).unref();
  }

  /** Closes the sockets whose sessions have ended, without waiting for their next turn. */
  recheckSessions(): void {
    for (const recheck of this.#sockets.values()) void recheck();
  }

  #attend(ws: WebSocket, { listener, sessionStillValid }: Admission & { ok: true }): void {
    const joined: Joined = new Map();
    let heardAtMs = Date.now();
    const recheck = async () => {
      const isValid = await sessionStillValid().catch(() => true);
      if (!isValid) ws.close(CLOSED_SIGNED_OUT, 'Signed out.');
      return isValid;
    };
    this.#sockets.set(ws, recheck);

    const timer = setInterval(() => {
      if (Date.now() - heardAtMs > SILENT_AFTER_MS) ws.terminate();
      else void recheck();
    }, this.#recheckEveryMs);

    ws.on('message', (data, isBinary) => {
      // What was refused may go on sending until it answers the close, or never does.
      if (ws.readyState !== ws.OPEN) return;
      // Joining again and again has everything sent anew each time.
      if (ws.bufferedAmount > MAX_UNREAD_BYTES) {
        ws.terminate();
        return;
      }
      heardAtMs = Date.now();
      if (!this.#take(ws, joined, { listener, recheck }, data, isBinary))
        ws.close(CLOSED_BAD_FRAME, 'Not a frame of this protocol.');
    });
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      clearInterval(timer);
      this.#sockets.delete(ws);
      for (const name of [...joined.keys()]) leave(joined, name);
    });
  }

  /** Does what a frame says; false for what is none. What is said where one has not joined is for nobody. */
  #take(ws: WebSocket, joined: Joined, who: Who, data: RawData, isBinary: boolean): boolean {
    if (isBinary) {
      const packed = unpackBytes(asOne(data));
      if (packed !== null) joined.get(placeName(packed.place))?.onBytes(packed.bytes);
      return packed !== null;
    }
    const frame = parseClientFrame(data.toString());
    if (frame === null) return false;
    if (frame.type === 'ping') sendFrame(ws, { type: 'pong' });
    else if (frame.type === 'unsubscribe') leave(joined, placeName(frame));
    else if (frame.type === 'message') joined.get(placeName(frame))?.onMessage(frame.payload);
    else if (!joined.has(placeName(frame)) && joined.size < MAX_PLACES)
      this.#join(ws, joined, frame, { ...who, opening: frame.payload });
    return true;
  }

  #join(
    ws: WebSocket,
    joined: Joined,
    { channel, key }: Place,
    { listener, recheck, opening }: Who & { opening: unknown },
  ): void {
    const place: Place = { channel, ...(key === undefined ? {} : { key }) };
    const source = this.#sources.get(channel);
    if (!source) return;
    let dropped = false;
    const send = (payload: unknown) => {
      // A browser that cannot keep up gets a gap and the news of it, instead of an ever longer queue here. The news goes
      // behind what is queued, so by the time it arrives the gap is over; no later event need come for it to be told.
      const isFull = ws.bufferedAmount > MAX_QUEUED_BYTES;
      if (!isFull) sendFrame(ws, { type: 'event', ...place, payload });
      else if (!dropped) sendFrame(ws, { type: 'lost', ...place });
      dropped = isFull;
    };
    const sendBytes = (bytes: Uint8Array) => {
      // Compressing would cost the server more than it saves: terminals are mostly near, and their windows small.
      if (ws.readyState === ws.OPEN) ws.send(packBytes(place, bytes), { binary: true, compress: false });
    };
    const answered = source(send, { key: key ?? '', listener, opening, sendBytes, recheck });
    joined.set(
      placeName(place),
      typeof answered === 'function' ? { ...NOT_LISTENING, leave: answered } : answered,
    );
  }
}

type Who = Pick<ChannelCaller, 'listener' | 'recheck'>;
/** What one socket has joined, by the name of the place. */
type Joined = Map<string, Conversation>;

const NOT_LISTENING = { onMessage: () => {}, onBytes: () => {} };

function leave(joined: Joined, name: string): void {
  const conversation = joined.get(name);
  joined.delete(name);
  conversation?.leave();
}

function asOne(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Array.isArray(data) ? Buffer.concat(data) : data;
}

function sendFrame(ws: WebSocket, frame: ServerFrame): void {
  if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(frame));
}

/** The hub of this process. */
export function hub(): Hub {
  return singleton('hub', () => new Hub());
}
