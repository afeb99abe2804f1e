import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ENVD_PORT } from './guests';
import { ApiError } from './http';
import { fileSignature, parseSandboxId, type Tokens } from './ids';
import type { SandboxRecord } from './record';
import type { Registry } from './registry';

/** Where a request goes. `nowhere`: meant for a sandbox that is not there or does not run. */
export type Destination =
  | { to: 'control'; path: string; query: URLSearchParams }
  | { to: 'guest'; path: string; record: SandboxRecord; port: number }
  | { to: 'nowhere'; path: string; sandboxId: string };

/**
 * First path segments that belong to the control plane whatever headers a client adds (Python does,
 * docs/protocol.md#data-plane-headers).
 */
const CONTROL_ROOTS = new Set([
  'sandboxes',
  'templates',
  'engine',
  'v2',
  'v3',
  'volumes',
  'teams',
  'nodes',
  'admin',
]);
const ENVD_PATH = /^\/(files|metrics|envs|init|shutdown|filesystem\.Filesystem\/.*|process\.Process\/.*)$/;
const GUEST_HOST = /^(\d{1,5})-(i[a-z0-9]{20})\./;

/**
 * Decides for each request whether it is the control plane's or which sandbox's (docs/protocol.md#routing-a-request):
 * id header, host, access token, signature, in that order.
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

  /** @throws ApiError 400 for a host that is not ours, a target that is no path, half an address. */
  route(request: IncomingMessage): Destination {
    const hostName = this.#checkedHost(request.headers.host);
    const { path, query } = splitTarget(request.url ?? '');
    const guestHost = GUEST_HOST.exec(hostName);
    if (guestHost === null && CONTROL_ROOTS.has(path.split('/')[1] ?? ''))
      return { to: 'control', path, query };

    const named = namedByHeaders(request.headers) ?? namedByHost(guestHost);
    if (named !== null) return this.#toGuest(path, this.#registry.get(named.id), named.port, named.id);
    const token = request.headers['x-access-token'];
    if (typeof token === 'string') {
      const record = this.#registry.findByToken(token);
      if (record !== undefined) return this.#toGuest(path, record, ENVD_PORT);
    }
    if (query.has('signature')) {
      return this.#toGuest(path, this.#findBySignature(request.method, query), ENVD_PORT);
    }
    // A token that nobody knows belonged to a sandbox that was killed.
    if (token !== undefined || ENVD_PATH.test(path)) return { to: 'nowhere', path, sandboxId: '' };
    return { to: 'control', path, query };
  }

  #toGuest(
    path: string,
    record: SandboxRecord | undefined,
    port: number,
    id = record?.id ?? '',
  ): Destination {
    if (record?.state === 'running') return { to: 'guest', path, record, port };
    return { to: 'nowhere', path, sandboxId: id };
  }

  /** Only running sandboxes are tried: for all others the answer is the same. */
  #findBySignature(method: string | undefined, query: URLSearchParams): SandboxRecord | undefined {
    const signature = query.get('signature') ?? '';
    const expiration = query.get('signature_expiration');
    const file = {
      path: query.get('path') ?? '',
      operation: method === 'POST' ? ('write' as const) : ('read' as const),
      username: query.get('username') ?? '',
      ...(expiration === null ? {} : { expiration }),
    };
    for (const record of this.#registry.running()) {
      if (fileSignature(file, this.#tokens.access(record.id)) === signature) return record;
    }
    return undefined;
  }

  /** Refuses names that a hostile page could point at this machine. */
  #checkedHost(host: string | undefined): string {
    const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? '')?.[1];
    if (name !== undefined && isOurHost(name, this.#boundHost.toLowerCase())) return name;
    throw new ApiError(400, 'Invalid host', { connection: 'close' });
  }
}

/** Addresses cannot be rebound, so a server on all interfaces answers to each of them. */
function isOurHost(name: string, boundHost: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '127.0.0.1' || name === '[::1]')
    return true;
  const bare = name.replace(/^\[|\]$/g, '');
  if (bare === boundHost) return true;
  return (boundHost === '0.0.0.0' || boundHost === '::') && isIP(bare) !== 0;
}

function splitTarget(url: string): { path: string; query: URLSearchParams } {
  if (!url.startsWith('/')) throw new ApiError(400, 'expected a path as the target of the request');
  const [path = '/'] = url.split('?', 1);
  return { path, query: new URLSearchParams(url.slice(path.length)) };
}

type Named = { id: string; port: number };

/** @throws ApiError 400 when one of the two headers is missing or wrong (docs/protocol.md#data-plane-headers). */
function namedByHeaders(headers: IncomingHttpHeaders): Named | null {
  const idText = headers['moru-sandbox-id'] ?? headers['e2b-sandbox-id'];
  const portText = headers['moru-sandbox-port'] ?? headers['e2b-sandbox-port'];
  if (idText === undefined && portText === undefined) return null;
  const port = Number(portText);
  if (typeof idText !== 'string' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ApiError(400, 'expected both a sandbox id header and a sandbox port header');
  }
  return { id: parseSandboxId(idText) ?? idText, port };
}

function namedByHost(match: RegExpExecArray | null): Named | null {
  return match === null ? null : { port: Number(match[1]), id: match[2] ?? '' };
}
