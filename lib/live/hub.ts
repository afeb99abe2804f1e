import 'server-only';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { singleton } from '../singleton';
import {
  type Channel,
  CLOSED_BAD_FRAME,
  CLOSED_SIGNED_OUT,
  parseClientFrame,
  type ServerFrame,
} from './protocol';

/** What a channel does for one listener: start telling it things, and answer how to stop. */
export type ChannelSource = (send: (payload: unknown) => void) => () => void;

/** Handed in, so that this room needs to know nothing of sessions or origins. */
export type UpgradeCheck = (req: IncomingMessage) => Promise<Admission>;
export type Admission =
  | { ok: true; sessionStillValid: () => Promise<boolean> }
  | { ok: false; status: 401 | 403; message: string };

const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const RECHECK_EVERY_MS = 15_000;
const SILENT_AFTER_MS = 60_000;

/** Every open `/live` socket of this process and the channels they listen to. */
export class Hub {
  readonly #recheckEveryMs: number;
  /** Each open socket, with what checks its session again. */
  readonly #sockets = new Map<WebSocket, () => Promise<void>>();
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
    this.#server.handleUpgrade(req, socket, head, (ws) => this.#attend(ws, admission.sessionStillValid));
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

  #attend(ws: WebSocket, sessionStillValid: () => Promise<boolean>): void {
    const stops = new Map<Channel, () => void>();
    let heardAtMs = Date.now();
    const recheckSession = async () => {
      if (!(await sessionStillValid().catch(() => true))) ws.close(CLOSED_SIGNED_OUT, 'Signed out.');
    };
    this.#sockets.set(ws, recheckSession);

    const recheck = setInterval(() => {
      if (Date.now() - heardAtMs > SILENT_AFTER_MS) ws.terminate();
      else void recheckSession();
    }, this.#recheckEveryMs);

    ws.on('message', (data, isBinary) => {
      heardAtMs = Date.now();
      const frame = isBinary ? null : parseClientFrame(data.toString());
      if (frame === null) ws.close(CLOSED_BAD_FRAME, 'Not a frame of this protocol.');
      else if (frame.type === 'ping') sendFrame(ws, { type: 'pong' });
      else if (frame.type === 'unsubscribe') this.#leave(stops, frame.channel);
      else if (!stops.has(frame.channel)) this.#join(ws, stops, frame.channel);
    });
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      clearInterval(recheck);
      this.#sockets.delete(ws);
      for (const channel of [...stops.keys()]) this.#leave(stops, channel);
    });
  }

  #join(ws: WebSocket, stops: Map<Channel, () => void>, channel: Channel): void {
    const source = this.#sources.get(channel);
    if (!source) return;
    let dropped = false;
    const send = (payload: unknown) => {
      // A browser that cannot keep up gets a gap and the news of it, instead of an ever longer queue here. The news goes
      // behind what is queued, so by the time it arrives the gap is over; no later event need come for it to be told.
      const isFull = ws.bufferedAmount > MAX_QUEUED_BYTES;
      if (!isFull) sendFrame(ws, { type: 'event', channel, payload });
      else if (!dropped) sendFrame(ws, { type: 'lost', channel });
      dropped = isFull;
    };
    stops.set(channel, source(send));
  }

  #leave(stops: Map<Channel, () => void>, channel: Channel): void {
    stops.get(channel)?.();
    stops.delete(channel);
  }
}

function sendFrame(ws: WebSocket, frame: ServerFrame): void {
  if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(frame));
}

/** The hub of this process. */
export function hub(): Hub {
  return singleton('hub', () => new Hub());
}
