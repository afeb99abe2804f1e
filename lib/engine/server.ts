import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlPlane } from './control-plane';
import { answerPreflight, localOriginHeaders } from './cross-origin';
import { StartError } from './data-dir';
import { sendEdgeError } from './edge-errors';
import type { FaultOutcome, Faults } from './faults';
import { type DataPlane, ENVD_PORT, type Upgrade } from './guests';
import { ApiError, sendError, sendReply } from './http';
import { mayPass, mayWake } from './port-access';
import { type SandboxRecord, toGuest } from './record';
import { inRequestScope } from './request-scope';
import { type Destination, Router } from './routing';
import type { EngineServices } from './services';
import { limitBodyTime, limitConnections } from './slow-requests';
import { serveWithoutUpgrade } from './upgrades';

const NEXT_PORTS = 100;
const LIST_HEADERS = 'X-Next-Token, X-Total-Running';
const NO_EFFECTS: FaultOutcome['effects'] = new Set();

const BODY_TIMEOUT_MS = 30_000;
/** Uploads come through here, too, and may wait for a slow sender. */
const UPLOAD_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 4_000;

type Address = { host: string; port: number; nextFreePort?: boolean };
/** Set by tests. */
export type ServerLimits = {
  maxConnections?: number | undefined;
  bodyTimeoutMs?: number | undefined;
  uploadTimeoutMs?: number | undefined;
};
type ServerServices = EngineServices & {
  dataPlane: DataPlane;
  guestsDir: string;
  warn(message: string): void;
};

/** The HTTP server: one port for the control plane and for every sandbox. */
export class EngineServer {
  readonly #services: ServerServices;
  readonly #address: Address;
  readonly #limits: ServerLimits;
  readonly #server: Server;
  readonly #router: Router;
  readonly #control: ControlPlane;
  /** Connections in another protocol, which Node's server no longer knows. */
  readonly #upgraded = new Set<Socket>();
  #isStopping = false;

  constructor(services: ServerServices, apiKey: string, address: Address, limits: ServerLimits = {}) {
    this.#services = services;
    this.#address = address;
    this.#limits = limits;
    this.#router = new Router(services.registry, services.tokens, address.host);
    this.#control = new ControlPlane(services, apiKey);
    this.#server = createServer({
      // Bodies have time limits of their own: uploads may take hours.
      headersTimeout: 10_000,
      requestTimeout: 0,
      connectionsCheckingInterval: 2_000,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 64 * 1024,
    });
    limitConnections(this.#server, limits.maxConnections ?? MAX_CONNECTIONS);
    this.#server.on('request', (request, response) => {
      // Its own error must not end the engine: the client has gone away.
      response.on('error', () => {});
      inRequestScope(response, () => void this.#serve(request, response));
    });
    this.#server.on('upgrade', (request, socket: Socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('clientError', rejectMalformed);
    // Connections may fail to be accepted, for example without a free descriptor.
    this.#server.on('error', (error) => {
      if (this.#server.listening) services.warn(`Cannot accept a connection: ${error.message}`);
    });
  }

  /** Returns the port. @throws StartError if it is taken. */
  async listen(): Promise<number> {
    const { host, port, nextFreePort } = this.#address;
    const last = nextFreePort && port > 0 ? Math.min(port + NEXT_PORTS, 65_535) : port;
    for (let candidate = port; candidate <= last; candidate += 1) {
      const bound = await this.#tryListen(host, candidate);
      if (bound !== null) return bound;
    }
    const taken =
      last > port
        ? `Ports ${port} to ${last} on ${host} are all taken.`
        : `Port ${port} on ${host} is taken.`;
    throw new StartError(
      `${taken} Stop the program that uses it, choose another port with --port, or add --next-free-port.`,
    );
  }

  /** Rejects new requests, waits up to `graceMs` for the others, then closes their connections. */
  async close(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    await Promise.race([closed, sleep(graceMs, undefined, { ref: false })]);
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  /** Only a server inside a sandbox may change the protocol. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    if (this.#isStopping || !this.#isForServerInside(request)) {
      serveWithoutUpgrade(this.#server, request, socket, head);
      return;
    }
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.on('error', () => {});
    response.once('finish', () => socket.end());
    response.assignSocket(socket);
    inRequestScope(response, () => void this.#serve(request, response, { socket, head }));
  }

  #isForServerInside(request: IncomingMessage): boolean {
    try {
      const destination = this.#router.route(request);
      return 'port' in destination && destination.port !== ENVD_PORT;
    } catch {
      return false;
    }
  }

  #tryListen(host: string, port: number): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(null);
        else reject(new StartError(`Cannot listen on ${host} port ${port}: ${error.message}`));
      };
      this.#server.once('error', onError);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', onError);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
    try {
      if (this.#isStopping) throw new ApiError(503, 'the engine is stopping', { connection: 'close' });
      const destination = this.#router.route(request);
      if (destination.to === 'control') await this.#toControl(request, response, destination);
      else await this.#toGuest(request, response, destination, upgrade);
    } catch (error) {
      try {
        this.#fail(error, request, response);
      } catch {
        response.destroy();
      }
    }
  }

  async #toControl(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query }: Extract<Destination, { to: 'control' }>,
  ): Promise<void> {
    if (answerPreflight(request, response)) return;
    // A page needs the API key as any other caller does.
    const allowed = localOriginHeaders(request) ?? {};
    for (const [name, value] of Object.entries(allowed)) response.setHeader(name, value);
    const route = this.#control.resolve(request, path);
    if (route.dialect === 'e2b') response.setHeader('access-control-expose-headers', LIST_HEADERS);
    const timeoutMs = this.#limits.bodyTimeoutMs ?? BODY_TIMEOUT_MS;
    limitBodyTime(request, response, { timeoutMs, isUpload: false });
    // Faults never apply to the routes that remove them.
    const effects = path.startsWith('/engine/')
      ? NO_EFFECTS
      : await applyFaults(this.#services.faults, request, response, path);
    if (effects === null) return;
    if (effects.has('throw')) {
      setImmediate(() => {
        throw new Error('Injected fault that nothing catches');
      });
      return;
    }
    const reply = await this.#control.handle(route, request, query, effects);
    if (effects.has('fail-late')) throw new ApiError(500, 'Injected fault after the request took effect');
    sendReply(response, reply);
  }

  async #toGuest(
    request: IncomingMessage,
    response: ServerResponse,
    destination: Exclude<Destination, { to: 'control' }>,
    upgrade: Upgrade | undefined,
  ): Promise<void> {
    // A preflight has none of the headers that name the sandbox.
    const isUnnamed = destination.to === 'missing' && destination.sandboxId === '';
    if (isUnnamed && answerPreflight(request, response)) return;
    const { path: guestPath } = destination;
    const of = destination.to === 'missing' ? destination.sandboxId : destination.record.id;
    if ((await applyFaults(this.#services.faults, request, response, guestPath, of)) === null) return;
    if (destination.to === 'missing') {
      return sendEdgeError(response, 'notFound', { sandboxId: destination.sandboxId });
    }
    if (!mayPass(destination, request, this.#services.tokens)) {
      return sendEdgeError(response, 'noPublicTraffic', { sandboxId: destination.record.id });
    }
    const record = await this.#awake(destination, request);
    if (record === null || response.destroyed) {
      return sendEdgeError(response, 'notFound', { sandboxId: destination.record.id });
    }
    const { port, path } = destination;
    // The input of a process may be silent for hours, and other ports belong to the sandbox.
    if (port === ENVD_PORT && path === '/files') {
      const timeoutMs = this.#limits.uploadTimeoutMs ?? UPLOAD_TIMEOUT_MS;
      limitBodyTime(request, response, { timeoutMs, isUpload: true });
    }
    const guest = toGuest(record, this.#services.tokens, this.#services.guestsDir);
    await this.#services.dataPlane.handle(guest, port, request, response, upgrade);
  }

  /** The sandbox, resumed if its caller may use it. Null if it stays paused. */
  async #awake(
    destination: Exclude<Destination, { to: 'control' | 'missing' }>,
    request: IncomingMessage,
  ): Promise<SandboxRecord | null> {
    if (destination.to === 'guest') return destination.record;
    const { tokens, lifecycle } = this.#services;
    if (!mayWake(destination, request, tokens)) return null;
    return await lifecycle.wakeForTraffic(destination.record.id);
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
    } else if (error instanceof ApiError) {
      sendError(response, error.status, error.message, { headers: error.headers });
    } else {
      this.#services.warn(`${request.method} ${request.url?.split('?')[0]} failed: ${stackOf(error)}`);
      sendError(response, 500, 'internal error; see the log of the engine');
    }
  }
}

/**
 * Applies the matching faults to a request.
 * @returns the effects left to the route; null if the connection is closed.
 * @throws ApiError the injected failure.
 */
async function applyFaults(
  faults: Faults | null,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  sandboxId: string | null = null,
): Promise<FaultOutcome['effects'] | null> {
  const outcome = faults?.fire(request.method ?? '', path, sandboxId) ?? null;
  if (outcome === null) return NO_EFFECTS;
  if (outcome.latencyMs > 0) await delay(outcome.latencyMs, response);
  if (outcome.reset) {
    request.socket.destroy();
    return null;
  }
  if (outcome.failure !== null) {
    const { status, message, headers } = outcome.failure;
    throw new ApiError(status, message, headers);
  }
  return response.destroyed ? null : outcome.effects;
}

/** Waits until the time is over or the caller disconnects. */
async function delay(latencyMs: number, response: ServerResponse): Promise<void> {
  const closed = new AbortController();
  const onClose = () => closed.abort();
  response.once('close', onClose);
  await sleep(latencyMs, undefined, { signal: closed.signal }).catch(() => {});
  response.off('close', onClose);
}

const PARSE_ERRORS: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request took too long'],
};

/** Answers a request that Node cannot parse, which has no response object. */
function rejectMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [code, message] = PARSE_ERRORS[error.code ?? ''] ?? [400, 'request is not valid HTTP'];
  const body = JSON.stringify({ code, message });
  const head = `HTTP/1.1 ${code} Error\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
