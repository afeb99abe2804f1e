import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { endWithSession } from '../../access/held-work';
import { guardRequest } from '../../access/request-guard';
import { httpStatusOf, SandkeeperError } from '../../errors';
import { failureOf } from '../../result';
import { connectionOf, keyOf, SandboxKey } from '../../sandbox-key';
import { sendArchive } from './archive/serve-archive';
import { type FileExchange, sendContent, takeUpload } from './serve-content';

/**
 * File contents, `/api/c/CONNECTION/sandboxes/ID/files/…`, bypass Next.js: it drops the content length, does not let a route set its own
 * security policy, and is several times slower.
 */
type Serve = (exchange: FileExchange) => Promise<void>;

const ROUTES: Readonly<Record<string, Readonly<Record<string, Serve>>>> = {
  content: { GET: sendContent, HEAD: sendContent, PUT: takeUpload },
  archive: { GET: sendArchive, HEAD: sendArchive },
};

/** How long the rest of a refused upload is read, ms. */
const DISCARD_MS = 30_000;
const PATH = /^\/api\/c\/([^/]+)\/sandboxes\/([^/]+)\/files\/([a-z]+)$/;

/** Returns whether it handles the request. Never throws. */
export function serveFiles(req: IncomingMessage, res: ServerResponse): boolean {
  const [pathname = '', ...search] = (req.url ?? '').split('?');
  const [, connection = '', id = '', name = ''] = PATH.exec(pathname) ?? [];
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  if (!route) return false;
  void serve(route, req, res, keyOf(connection, id), new URLSearchParams(search.join('?')));
  return true;
}

async function serve(
  route: Readonly<Record<string, Serve>>,
  req: IncomingMessage,
  res: ServerResponse,
  key: SandboxKey,
  query: URLSearchParams,
): Promise<void> {
  const disconnect = new AbortController();
  let letGo = () => {};
  res.on('close', () => {
    letGo();
    if (!res.writableFinished) disconnect.abort();
  });
  const admit: FileExchange['admit'] = async (role, { writes = false } = {}) => {
    const scope = connectionOf(key);
    const caller = await guardRequest(req, role, scope, { writes });
    const end = (reason: SandkeeperError) => disconnect.abort(reason);
    if (!res.destroyed) letGo = endWithSession({ caller, role, scope, end });
    return caller;
  };
  try {
    const method = req.method ?? '';
    const handle = Object.hasOwn(route, method) ? route[method] : undefined;
    if (!handle) {
      res.writeHead(405, { allow: Object.keys(route).join(', ') }).end();
      return;
    }
    if (!SandboxKey.safeParse(key).success) throw new SandkeeperError('invalid', 'Invalid sandbox ID.');
    await handle({ req, res, sandboxKey: key, query, signal: disconnect.signal, admit });
  } catch (thrown) {
    const { reason } = disconnect.signal;
    fail(res, reason instanceof SandkeeperError ? reason : thrown);
  } finally {
    letGo();
    discardRest(req);
  }
}

/** A browser that is still sending does not read the response. */
function discardRest(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return;
  const timer = setTimeout(() => req.destroy(), DISCARD_MS);
  req.once('close', () => clearTimeout(timer));
  req.resume();
}

/** Sends the error, or breaks the connection if the response has started, so that the client sees it is incomplete. */
function fail(res: ServerResponse, thrown: unknown): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const error = failureOf(thrown);
  if (error.retryAfterMs !== undefined) res.setHeader('retry-after', Math.ceil(error.retryAfterMs / 1000));
  res.writeHead(httpStatusOf(error.code), {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  });
  res.end(JSON.stringify({ error }));
}
