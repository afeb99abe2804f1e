import 'server-only';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientAddresses, limitKeyOf } from './client-address';

export type ConnectionLimits = { total: number; perAddress: number };

/** `key`: `null` for a proxy, whose connections belong to many clients. `busy`: requests under way. */
type Held = { socket: Socket; key: string | null; busy: number };

const RETRY_AFTER_SECONDS = 5;
const REFUSAL_BODY = 'Sandkeeper has too many connections from your address. Try again in a few seconds.\n';
/** How long a refused client has to read the answer, ms. */
const REFUSAL_MS = 1_000;

/**
 * Limits the connections of a server, of one address and in all. WebSockets count. At a limit the connection that has
 * waited longest without a request is closed for the new one, so that idle connections do not lock anybody out; if
 * all are in use, the new one is refused.
 */
export class ConnectionLimiter {
  readonly #limits: ConnectionLimits;
  readonly #addresses: ClientAddresses;
  /** In the order in which they became idle. */
  readonly #held = new Map<Socket, Held>();
  readonly #counts = new Map<string, number>();
  /** Requests and WebSockets through proxies, by the address of the client. */
  readonly #proxied = new Map<string, number>();

  constructor(server: Server, addresses: ClientAddresses, limits: ConnectionLimits) {
    this.#addresses = addresses;
    this.#limits = limits;
    server.on('connection', (socket: Socket) => this.#connect(socket));
  }

  /** The number of open connections. */
  get size(): number {
    return this.#held.size;
  }

  /** Marks the connection as in use until the response is closed. Returns false if the client has too many requests. */
  begin(req: IncomingMessage, res: ServerResponse): boolean {
    return this.#use(req, (release) => res.once('close', release));
  }

  /** The same for an upgraded connection, until it is closed. */
  beginUpgraded(req: IncomingMessage): boolean {
    return this.#use(req, (release) => req.socket.once('close', release));
  }

  #use(req: IncomingMessage, onEnd: (release: () => void) => void): boolean {
    const held = this.#held.get(req.socket);
    // A refused connection may still send a request.
    if (!held) return false;
    const client = held.key === null ? limitKeyOf(this.#addresses.of(req)) : null;
    if (client !== null && (this.#proxied.get(client) ?? 0) >= this.#limits.perAddress) return false;
    held.busy += 1;
    if (client !== null) add(this.#proxied, client, 1);
    onEnd(() => {
      if (client !== null) add(this.#proxied, client, -1);
      held.busy -= 1;
      // Now the last one in the order of idleness.
      if (this.#held.delete(req.socket)) this.#held.set(req.socket, held);
    });
    return true;
  }

  #connect(socket: Socket): void {
    const { remoteAddress } = socket;
    const key = this.#addresses.isProxy(remoteAddress)
      ? null
      : limitKeyOf(this.#addresses.of({ socket, headers: {} }));
    if (key !== null && (this.#counts.get(key) ?? 0) >= this.#limits.perAddress && !this.#closeIdle(key)) {
      refuse(socket);
      return;
    }
    const isFull = this.#held.size >= this.#limits.total;
    if (isFull && !this.#closeIdle(this.#largest()) && !this.#closeIdle(null)) {
      refuse(socket);
      return;
    }
    this.#held.set(socket, { socket, key, busy: 0 });
    if (key !== null) add(this.#counts, key, 1);
    socket.once('close', () => this.#release(socket));
  }

  /** Closes the longest idle connection, of one address or, with `null`, of any. Returns false if there is none. */
  #closeIdle(key: string | null): boolean {
    for (const held of this.#held.values()) {
      if (held.busy > 0 || (key !== null && held.key !== key)) continue;
      this.#release(held.socket);
      held.socket.destroy();
      return true;
    }
    return false;
  }

  #release(socket: Socket): void {
    const held = this.#held.get(socket);
    if (!held) return;
    this.#held.delete(socket);
    if (held.key !== null) add(this.#counts, held.key, -1);
  }

  /** The address with the most connections. */
  #largest(): string | null {
    let largest: [string, number] | null = null;
    for (const entry of this.#counts) if (largest === null || entry[1] > largest[1]) largest = entry;
    return largest?.[0] ?? null;
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function refuse(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 503 Service Unavailable\r\nretry-after: ${RETRY_AFTER_SECONDS}\r\ncontent-type: text/plain\r\ncontent-length: ${REFUSAL_BODY.length}\r\nconnection: close\r\n\r\n${REFUSAL_BODY}`,
  );
  setTimeout(() => socket.destroy(), REFUSAL_MS).unref();
}

/** The answer to a request for which `begin` returned false. */
export function refuseRequest(res: ServerResponse): void {
  res.writeHead(503, {
    'content-type': 'text/plain',
    'retry-after': String(RETRY_AFTER_SECONDS),
    connection: 'close',
  });
  res.end(REFUSAL_BODY);
}
