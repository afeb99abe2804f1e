/** What `server.mjs` and `npm start` need before Next.js is loaded. `npm run build` bundles it separately. */
import 'server-only';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkActionRequest, isActionRequest } from './access/action-request';
import { contentSecurityPolicy, newNonce, securityHeaders } from './access/headers';
import { isOwnHost, isOwnOrigin } from './access/origin';
import { hasTwoSessions, TWO_SESSIONS } from './access/session-cookie';
import type { Config } from './config';
import { limitBodyTime } from './http/body-deadline';
import { CLIENT_ADDRESS_HEADER, ClientAddresses } from './http/client-address';
import { ConnectionLimiter, refuseRequest } from './http/connection-limits';
import { failRequest, inRequest, inUpgrade } from './http/uncaught';
import { PATH_HEADER } from './paths';
import { withRequestFacts } from './request-facts';
import { withResponse } from './response-headers';

// biome-ignore lint/performance/noBarrelFile: this file is the surface of a bundle.
export { readConfig } from './config';
export { warningsOf } from './config-warnings';
export { keepServing } from './http/uncaught';

/** Next.js fails on others. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** The handlers behind the front. `serveFiles` returns whether it handles the request. */
export type Handlers = {
  serveFiles: (req: IncomingMessage, res: ServerResponse) => boolean;
  servePage: (req: IncomingMessage, res: ServerResponse) => unknown;
  upgradeLive: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** For the development socket of Next.js. */
  upgradeOther?: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

/** The HTTP server. Nothing that a client sends reaches a handler before it has been limited and checked here. */
export function createFront(config: Config, handlers: Handlers, { dev }: { dev: boolean }): Server {
  const { headerTimeoutMs, bodyTimeoutMs, trustedProxies, connections } = config.http;
  const server = createServer({
    // Bodies have deadlines of their own. A `requestTimeout` would end long uploads.
    requestTimeout: 0,
    headersTimeout: headerTimeoutMs,
    connectionsCheckingInterval: Math.max(100, Math.min(1_000, headerTimeoutMs / 4)),
    // Longer than a proxy keeps an idle connection, or it might send a request on one that is being closed.
    keepAliveTimeout: 65_000,
    // Detects a client that has vanished.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    // The URL of an archive contains every selected path.
    maxHeaderSize: 128 * 1024,
  });
  const addresses = new ClientAddresses(trustedProxies);
  const limiter = new ConnectionLimiter(server, addresses, connections);

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (!limiter.begin(req, res)) return refuseRequest(res);
    // A response to a client that has gone.
    res.on('error', () => {});
    req.on('error', () => {});
    if (!admit(config, req, res, { dev })) return;
    req.headers[CLIENT_ADDRESS_HEADER] = addresses.of(req);
    limitBodyTime(req, res, { timeoutMs: bodyTimeoutMs, isUpload: req.method === 'PUT' });
    if (handlers.serveFiles(req, res)) return;
    const servePage = (request: IncomingMessage) => withResponse(res, () => handlers.servePage(request, res));
    if (!isActionRequest(req)) {
      await servePage(req);
      return;
    }
    // Next.js cannot parse every `Origin`.
    if (!isOwnOrigin(config, req.headers.origin)) {
      return answerShortly(res, 403, 'This request did not come from a page of Sandkeeper.');
    }
    const checked = await checkActionRequest(req).catch(() => null);
    if (checked !== null) await servePage(checked);
    else if (!res.headersSent && !res.destroyed) answerShortly(res, 400, 'This form is not valid.');
  }

  server.on('request', (req, res) => {
    const client = { address: addresses.of(req), userAgent: req.headers['user-agent'] };
    withRequestFacts(client, ({ id }) => {
      res.setHeader('x-request-id', id);
      inRequest(res, () => serve(req, res).catch((thrown) => failRequest(res, thrown)));
    });
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!limiter.beginUpgraded(req)) socket.destroy();
    else if (req.url?.split('?')[0] === '/live')
      withRequestFacts({ address: addresses.of(req), userAgent: req.headers['user-agent'] }, () =>
        inUpgrade(socket, () => handlers.upgradeLive(req, socket, head)),
      );
    else if (handlers.upgradeOther) handlers.upgradeOther(req, socket, head);
    else socket.destroy();
  });
  return server;
}

/**
 * Sets the security headers and answers requests that must not go further: for another host, with an unknown method, for an
 * address that cannot be decoded, for those parts of Next.js that no page uses, with two session cookies, and for data from a
 * page of another site. Returns whether to handle the request.
 */
export function admit(
  config: Config,
  req: IncomingMessage,
  res: ServerResponse,
  { dev }: { dev: boolean },
): boolean {
  for (const [name, value] of Object.entries(
    securityHeaders({ https: config.publicOrigin?.startsWith('https:') ?? false }),
  )) {
    res.setHeader(name, value);
  }
  const { host } = req.headers;
  if (host === undefined || !isOwnHost(config, host)) {
    const wanted = 'Use the address it printed at start, or set SANDKEEPER_URL.';
    answerShortly(res, 421, `Sandkeeper does not serve this host name. ${wanted}`);
    return false;
  }
  if (!METHODS.has(req.method ?? '')) {
    answerShortly(res, 405, 'Sandkeeper does not support this method.');
    return false;
  }
  const path = decodedPath(req.url ?? '');
  if (path === null) {
    answerShortly(res, 400, 'This address is not valid.');
    return false;
  }
  // Next.js would fetch and convert images for anybody (`/_next/image`), and serve data of pages (`/_next/data`).
  if (!dev && /^\/_next(\/|$)/i.test(path) && !path.startsWith('/_next/static/')) {
    answerShortly(res, 404, 'There is nothing at this address.');
    return false;
  }
  if (hasTwoSessions(config, req.headers.cookie)) {
    answerShortly(res, 400, TWO_SESSIONS);
    return false;
  }
  if (isFromAnotherSite(path, req.headers['sec-fetch-site'])) {
    const open = 'Open Sandkeeper itself and find it there.';
    answerShortly(res, 403, `A page of another site asked for this. ${open}`);
    return false;
  }
  const policy = contentSecurityPolicy({ nonce: newNonce(), host, dev });
  res.setHeader('content-security-policy', policy);
  // Next.js reads the nonce for its own scripts from the request.
  req.headers['content-security-policy'] = policy;
  // After signing in, a person returns to this page.
  req.headers[PATH_HEADER] = req.url ?? '/';
  // Next.js prefers these to `Host` when it compares origins. Only our configuration defines our origin.
  for (const name of ['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'forwarded'])
    delete req.headers[name];
  return true;
}

/** Addresses below `/api` that tell nothing about a session. */
const FOR_EVERYBODY: ReadonlySet<string> = new Set(['/api/health']);

/**
 * Whether a page of another site asked for data. Browsers say so, and send the session cookie when such a page opens an address
 * of ours. Pages may be opened from anywhere: they show nothing to the page that links to them. Programs do not send it.
 */
function isFromAnotherSite(path: string, site: string | string[] | undefined): boolean {
  if (!/^\/api(\/|$)/i.test(path) || FOR_EVERYBODY.has(path)) return false;
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** The path of a request target, decoded once, with single slashes. `null` if it is not a path or cannot be decoded. */
function decodedPath(target: string): string | null {
  const path = target.split(/[?#]/)[0] ?? '';
  if (!path.startsWith('/') || !URL.canParse(`http://host${target}`)) return null;
  try {
    return decodeURIComponent(path).replace(/[\\/]+/g, '/');
  } catch {
    return null;
  }
}

function answerShortly(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': NO_CONTENT_POLICY,
    'cache-control': 'no-store',
  });
  res.end(`${message}\n`);
}
