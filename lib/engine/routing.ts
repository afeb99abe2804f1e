import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ENVD_PORT } from './guests';
import { ApiError } from './http';
import { parseSandboxId, signatureFor, type Tokens } from './ids';
import { type SandboxRecord, wakesByTraffic } from './record';
import type { Registry } from './registry';

/**
 * Where a request goes. `asleep`: to a paused sandbox that traffic resumes. `missing`: to a sandbox that does not exist or
 * does not run.
 */
export type Destination =
  | { to: 'control'; path: string; query: URLSearchParams }
  | ({ to: 'guest' | 'asleep' } & GuestAddress)
  | { to: 'missing'; path: string; sandboxId: string };

export type GuestAddress = { path: string; query: URLSearchParams; record: SandboxRecord; port: number };

/**
 * First path segments of the control plane. The Python SDK sends data-plane headers with these as well
 * (docs/protocol.md#data-plane-headers).
 */
const CONTROL_ROOTS = new Set([
  'sandboxes',
  'templates',
  'engine',
  'events',
  'v2',
  'v3',
  'volumes',
  'volumecontent',
  'secrets',
  'snapshots',
  'teams',
  'nodes',
  'admin',
  'api-keys',
  'access-tokens',
]);
const ENVD_PATH = /^\/(files|metrics|envs|init|shutdown|filesystem\.Filesystem\/.*|process\.Process\/.*)$/;
const GUEST_HOST = /^(\d{1,5})-(i[a-z0-9]{20})\./;
/** The host of every sandbox at E2B, where headers name the sandbox (docs/protocol.md#routing-a-request). */
const SHARED_GUEST_HOST = /^sandbox\./;

/** Whether servers inside sandboxes are reached by this host name. Their pages are as untrusted as what runs there. */
export function isGuestHost(hostName: string): boolean {
  return GUEST_HOST.test(hostName) || SHARED_GUEST_HOST.test(hostName);
}

/**
 * Routes a request to the control plane or to a sandbox, by its id header, host, access token or signature, in this
 * order (docs/protocol.md#routing-a-request).
 */
export class Router {
  readonly #registry: Registry;
  readonly #tokens: Tokens;
  readonly #boundHost: string;

  constructor(registry: Registry, tokens: Tokens, boundHost: string) {
    this.#registry = registry;
    this.#tokens = tokens;
    this.#boundHost = boundHost;
  }

  /** @throws ApiError 400 for a foreign host, a target that is not a path, or an incomplete address. */
  route(request: IncomingMessage): Destination {
    const hostName = this.#checkedHost(request.headers.host);
    const { path, query } = splitTarget(request.url ?? '');
    const guestHost = GUEST_HOST.exec(hostName);
    const named = addressInHeaders(request.headers);
    // A server inside may have the same paths as the control plane.
    const isForServer = named !== null && named.port !== ENVD_PORT;
    const isGuestHost = guestHost !== null || SHARED_GUEST_HOST.test(hostName);
    if (!isGuestHost && !isForServer && CONTROL_ROOTS.has(path.split('/')[1] ?? '')) {
      return { to: 'control', path, query };
    }
    const target = { path, query };
    const address = named ?? addressInHost(guestHost);
    if (address !== null) {
      return toGuest(target, this.#registry.get(address.id), address.port, address.id);
    }
    const token = request.headers['x-access-token'];
    if (typeof token === 'string') {
      const record = this.#registry.findByToken(token);
      if (record !== undefined) return toGuest(target, record, ENVD_PORT);
    }
    if (query.has('signature')) {
      return toGuest(target, this.#findBySignature(request.method, query), ENVD_PORT);
    }
    // An unknown token belonged to a killed sandbox.
    if (isGuestHost || token !== undefined || ENVD_PATH.test(path))
      return { to: 'missing', path, sandboxId: '' };
    return { to: 'control', path, query };
  }

  /** Tries only sandboxes that run or that traffic resumes, because all others get the same response. */
  #findBySignature(method: string | undefined, query: URLSearchParams): SandboxRecord | undefined {
    const signature = query.get('signature') ?? '';
    for (const record of this.#registry.all()) {
      if (record.state !== 'running' && !wakesByTraffic(record)) continue;
      if (signatureFor(method, query, this.#tokens.access(record.id)) === signature) return record;
    }
    return undefined;
  }

  /** Rejects other host names, which a hostile page could rebind to this machine. @throws ApiError 400. */
  #checkedHost(host: string | undefined): string {
    const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? '')?.[1];
    if (name !== undefined && isOurHost(name, this.#boundHost.toLowerCase())) return name;
    throw new ApiError(400, 'Invalid host', { connection: 'close' });
  }
}

/** Addresses cannot be rebound, so a server on all interfaces accepts any of them. */
function isOurHost(name: string, boundHost: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '127.0.0.1' || name === '[::1]')
    return true;
  const bare = name.replace(/^\[|\]$/g, '');
  if (bare === boundHost) return true;
  return (boundHost === '0.0.0.0' || boundHost === '::') && isIP(bare) !== 0;
}

function splitTarget(url: string): { path: string; query: URLSearchParams } {
  if (!url.startsWith('/')) throw new ApiError(400, 'expected a path as the request target');
  const [path = '/'] = url.split('?', 1);
  return { path, query: new URLSearchParams(url.slice(path.length)) };
}

function toGuest(
  target: { path: string; query: URLSearchParams },
  record: SandboxRecord | undefined,
  port: number,
  id = record?.id ?? '',
): Destination {
  if (record?.state === 'running') return { to: 'guest', ...target, record, port };
  if (record !== undefined && wakesByTraffic(record)) return { to: 'asleep', ...target, record, port };
  return { to: 'missing', path: target.path, sandboxId: id };
}

type Address = { id: string; port: number };

/** @throws ApiError 400 if one of the two headers is missing or invalid (docs/protocol.md#data-plane-headers). */
function addressInHeaders(headers: IncomingHttpHeaders): Address | null {
  const idText = headers['moru-sandbox-id'] ?? headers['e2b-sandbox-id'];
  const portText = headers['moru-sandbox-port'] ?? headers['e2b-sandbox-port'];
  if (idText === undefined && portText === undefined) return null;
  const port = Number(portText);
  if (typeof idText !== 'string' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ApiError(400, 'expected both a sandbox id header and a sandbox port header');
  }
  return { id: parseSandboxId(idText) ?? idText, port };
}

function addressInHost(match: RegExpExecArray | null): Address | null {
  return match === null ? null : { port: Number(match[1]), id: match[2] ?? '' };
}
