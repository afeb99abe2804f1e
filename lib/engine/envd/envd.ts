import type { IncomingMessage, ServerResponse } from 'node:http';
import { preflightHeaders } from '../cross-origin';
import { StartError } from '../data-dir';
import { sendEdgeError } from '../edge-errors';
import { type DataPlane, ENVD_PORT, type Guest, type Upgrade, type Usage } from '../guests';
import { ApiError, sendError, sendJson } from '../http';
import { unsupportedReason } from '../safe-fs/descriptors';
import { measureDirectory } from '../safe-fs/disk-use';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { crossOriginHeaders, requireFileAccess, requireToken } from './access';
import { ConnectError } from './connect-error';
import { DiskAccount } from './disk-account';
import { download } from './download';
import { FileMetadata } from './file-metadata';
import { createFilesystemService } from './filesystem-service';
import { basicUserName, findUser, rootFor } from './identity';
import type { LiveFiles } from './live-files';
import { type OpenCall, OpenCalls } from './open-calls';
import { OpenWrites } from './open-writes';
import { sandboxVariables } from './process-environment';
import { discardRest } from './request-body';
import type { Service } from './rpc';
import { serveRpc } from './rpc-server';
import { upload } from './upload';
import { Watchers } from './watchers';

export type EnvdOptions = {
  /** Creates the sandbox's files at first use. Called for every request, and must be cheap later. */
  prepareRoot(guest: Guest): Promise<GuestRoot>;
  readonly processes: Service;
  /** Reads what only a process inside can see. Default: nothing does. */
  readonly live?: LiveFiles | undefined;
  /** Current usage for `GET /metrics`; null if not measured. */
  usage(id: string): Usage | null;
  /** Disk quota. Default: `diskSizeMB`. */
  quotaBytes?(guest: Guest): number;
  /** Serves other ports. Returns false if nothing listens there. Default: always false. */
  openPort?(guest: Guest, port: number, exchange: PortRequest): Promise<boolean>;
  warn(message: string): void;
};

export type PortRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: Upgrade | undefined;
};

const MEBIBYTE = 1024 * 1024;

type Exchange = {
  readonly guest: Guest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly call: OpenCall;
};

type Endpoint = { readonly methods: readonly string[]; serve(exchange: Exchange): void | Promise<void> };

/** The data plane: docs/protocol.md#envd-http and docs/protocol.md#envd-rpc. */
export class Envd implements DataPlane {
  readonly #options: EnvdOptions;
  readonly #calls = new OpenCalls();
  readonly #accounts = new Map<string, DiskAccount>();
  readonly #metadata = new Map<string, FileMetadata>();
  readonly #openWrites = new OpenWrites();
  readonly #watchers = new Watchers(this.#openWrites);
  readonly #services: ReadonlyMap<string, Service>;

  /** @throws StartError on a system where files cannot be served safely */
  constructor(options: EnvdOptions) {
    this.#options = options;
    const reason = unsupportedReason();
    if (reason !== null) throw new StartError(reason);
    this.#services = new Map([
      [
        'filesystem.Filesystem',
        createFilesystemService({
          watchers: this.#watchers,
          metadataOf: (guest, root) => this.#metadataOf(guest, root),
          live: options.live ?? null,
        }),
      ],
      ['process.Process', options.processes],
    ]);
  }

  /** Never throws. */
  async handle(
    guest: Guest,
    port: number,
    request: IncomingMessage,
    response: ServerResponse,
    upgrade?: Upgrade,
  ): Promise<void> {
    await this.#calls.run(guest.id, response, async (call) => {
      try {
        if (port === ENVD_PORT) await this.#serve(guest, request, response, call);
        else await this.#servePort(guest, port, request, response, call, upgrade);
      } catch (error) {
        this.#fail(error, guest, request, response, call);
      }
      // A server inside the sandbox handles the rest of its own requests.
      if (port === ENVD_PORT) discardRest(request);
    });
  }

  /**
   * Cuts every request of a sandbox before a pause or kill. Resolves once none of them uses its files.
   */
  async closeStreams(guestId: string): Promise<void> {
    await this.#calls.close(guestId, new ConnectError('unavailable', 'the sandbox was paused or killed'));
  }

  /** Drops the watchers and disk usage of a killed sandbox. */
  forget(guestId: string): void {
    this.#watchers.forget(guestId);
    this.#accounts.delete(guestId);
    this.#metadata.delete(guestId);
  }

  async #servePort(
    guest: Guest,
    port: number,
    request: IncomingMessage,
    response: ServerResponse,
    { signal }: OpenCall,
    upgrade: Upgrade | undefined,
  ): Promise<void> {
    // A frozen or killed server cannot close its connections itself.
    signal.addEventListener('abort', () => {
      if (!response.writableEnded) response.destroy();
    });
    if (await this.#options.openPort?.(guest, port, { request, response, upgrade })) return;
    if (response.writableEnded) return;
    sendEdgeError(response, 'portClosed', { sandboxId: guest.id, port });
  }

  async #serve(
    guest: Guest,
    request: IncomingMessage,
    response: ServerResponse,
    call: OpenCall,
  ): Promise<void> {
    const crossOrigin = crossOriginHeaders(guest, request);
    if (!crossOrigin) throw new ApiError(403, 'only local pages may use a sandbox that is not secure');
    for (const [name, value] of Object.entries(crossOrigin)) response.setHeader(name, value);
    if (request.method === 'OPTIONS') {
      response.writeHead(204, preflightHeaders(request)).end();
      return;
    }
    const url = request.url ?? '/';
    const [path = '/'] = url.split('?', 1);
    const query = new URLSearchParams(url.slice(path.length));
    await this.#route({ guest, request, response, path, query, call });
  }

  async #route(exchange: Exchange): Promise<void> {
    const { guest, request, path } = exchange;
    const isOpen = path === '/files' || (path === '/health' && request.method === 'GET');
    if (!isOpen) requireToken(guest, request);
    const endpoint = this.#endpoints.get(path);
    if (endpoint) {
      const method = request.method ?? '';
      if (!endpoint.methods.includes(method)) {
        throw new ApiError(405, 'method not allowed', { allow: endpoint.methods.join(', ') });
      }
      return await endpoint.serve(exchange);
    }
    const [, serviceName = '', methodName = '', ...rest] = path.split('/');
    const service = this.#services.get(serviceName);
    if (!service || rest.length > 0) throw new ApiError(404, `no such endpoint: ${path}`);
    await this.#serveMethod(exchange, service, methodName);
  }

  async #serveMethod(exchange: Exchange, service: Service, methodName: string): Promise<void> {
    const { guest, request, response, call } = exchange;
    const rpc = Object.hasOwn(service, methodName) ? service[methodName] : undefined;
    const open = async () => {
      const root = await this.#options.prepareRoot(guest);
      const user = findUser(root, basicUserName(request.headers.authorization));
      if (user) return { guest, root: rootFor(root, user), user };
      throw new ConnectError('unauthenticated', 'the sandbox has no such user');
    };
    await serveRpc(rpc, {
      request,
      response,
      call,
      open,
      onFault: (error) => this.#report(error, guest, request),
    });
  }

  readonly #endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
    ['/files', { methods: ['GET', 'POST'], serve: (exchange) => this.#serveFiles(exchange) }],
    ['/health', { methods: ['GET'], serve: ({ response }) => sendEmpty(response) }],
    ['/metrics', { methods: ['GET'], serve: (exchange) => this.#serveMetrics(exchange) }],
    [
      '/envs',
      { methods: ['GET'], serve: ({ guest, response }) => sendJson(response, 200, sandboxVariables(guest)) },
    ],
    ['/init', { methods: ['POST'], serve: rejectPlatformCall }],
    ['/shutdown', { methods: ['POST'], serve: rejectPlatformCall }],
  ]);

  async #serveFiles({ guest, request, response, query, call }: Exchange): Promise<void> {
    requireFileAccess(guest, request, query);
    const root = await this.#options.prepareRoot(guest);
    const user = requireUser(root, query.get('username'));
    const account = this.#accountOf(guest, root);
    call.signal.throwIfAborted();
    const exchange = {
      ...{ guest, request, response, query, user, account },
      root: rootFor(root, user),
      metadata: this.#metadataOf(guest, root),
      openWrites: this.#openWrites,
      live: this.#options.live ?? null,
      signal: call.signal,
    };
    await (request.method === 'GET' ? download(exchange) : upload(exchange));
  }

  #serveMetrics({ guest, response }: Exchange): void {
    const usage = this.#options.usage(guest.id) ?? { cpuUsedPct: 0, memUsedBytes: 0, diskUsedBytes: 0 };
    sendJson(response, 200, {
      ts: Math.floor(Date.now() / 1000),
      cpu_count: guest.cpuCount,
      cpu_used_pct: usage.cpuUsedPct,
      mem_total_mib: guest.memoryMB,
      mem_used_mib: Math.round(usage.memUsedBytes / MEBIBYTE),
      mem_total: guest.memoryMB * MEBIBYTE,
      mem_used: usage.memUsedBytes,
      disk_used: usage.diskUsedBytes,
      disk_total: this.#quotaOf(guest),
    });
  }

  #accountOf(guest: Guest, root: GuestRoot): DiskAccount {
    const known = this.#accounts.get(guest.id);
    if (known) return known;
    const account = new DiskAccount(() => measureDirectory(root.rootDir), this.#quotaOf(guest));
    this.#accounts.set(guest.id, account);
    return account;
  }

  #metadataOf(guest: Guest, root: GuestRoot): FileMetadata {
    const known = this.#metadata.get(guest.id);
    if (known) return known;
    const metadata = new FileMetadata(root);
    this.#metadata.set(guest.id, metadata);
    return metadata;
  }

  #quotaOf(guest: Guest): number {
    return this.#options.quotaBytes?.(guest) ?? guest.diskSizeMB * MEBIBYTE;
  }

  #fail(
    error: unknown,
    guest: Guest,
    request: IncomingMessage,
    response: ServerResponse,
    { signal }: OpenCall,
  ): void {
    // The request was cut, and its response is on the way.
    if (response.writableEnded) return;
    if (response.headersSent || response.destroyed) response.destroy();
    else if (signal.aborted || isStopped(error)) {
      sendEdgeError(response, 'notFound', { sandboxId: guest.id }, { connection: 'close' });
    } else if (error instanceof ApiError) {
      sendError(response, error.status, error.message, { headers: error.headers });
    } else {
      this.#report(error, guest, request);
      sendError(response, 500, 'internal error');
    }
  }

  #report(error: unknown, guest: Guest, request: IncomingMessage): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.warn(
      `${request.method} ${request.url?.split('?')[0]} of sandbox ${guest.id} failed: ${text}`,
    );
  }
}

/** Whether the sandbox was paused or killed after routing. */
function isStopped(error: unknown): boolean {
  return error instanceof ConnectError && error.code === 'unavailable';
}

function sendEmpty(response: ServerResponse): void {
  response.writeHead(204, { 'cache-control': 'no-store' }).end();
}

/** Only the platform calls these routes, and here the platform is this program. */
function rejectPlatformCall(): never {
  throw new ApiError(403, 'this call is for the platform only');
}

function requireUser(root: GuestRoot, name: string | null): GuestUser {
  const user = findUser(root, name);
  if (user) return user;
  throw new ApiError(401, `error looking up user '${name}': the sandbox has no such user`);
}
