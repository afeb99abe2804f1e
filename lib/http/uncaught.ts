import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** How to end the request or upgrade in whose code runs. `null` once it is closed, because timers keep the context. */
type Scope = { end: ((thrown: unknown) => void) | null };
const scopes = new AsyncLocalStorage<Scope>();

/** Errors in so short a time mean a defect that serving on does not get over. */
const MAX_ERRORS = 100;
const WINDOW_MS = 10_000;

/** Runs `work` so that an uncaught error in it, also later in a callback, ends this request. */
export function inRequest(res: ServerResponse, work: () => unknown): void {
  runIn({ end: (thrown) => failRequest(res, thrown) }, res, work);
}

/** The same for an upgraded connection. */
export function inUpgrade(socket: Duplex, work: () => unknown): void {
  const end = (thrown: unknown) => {
    console.error('An upgraded connection failed:', thrown);
    socket.destroy();
  };
  runIn({ end }, socket, work);
}

function runIn(scope: Scope, closing: ServerResponse | Duplex, work: () => unknown): void {
  closing.once('close', () => {
    scope.end = null;
  });
  scopes.run(scope, work);
}

/** Logs an error and answers 500, or breaks the connection if the response has started. */
export function failRequest(res: ServerResponse, thrown: unknown): void {
  console.error('A request failed:', thrown);
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  for (const name of res.getHeaderNames()) if (name.startsWith('content-')) res.removeHeader(name);
  res.writeHead(500, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  res.end('Something unexpected happened. The server log has the details.\n');
}

/**
 * From now on an uncaught error is logged and ends its own request, and the process keeps serving. Every write to the
 * database is a transaction and every operation continues from its record, so an abandoned call leaves nothing half done.
 * `giveUp` is called when errors of the server's own work do not end. Those of clients do not count, or a client
 * could end the server.
 */
export function keepServing(giveUp: (message: string) => void): void {
  let times: number[] = [];
  const onError = (thrown: unknown) => {
    const scope = scopes.getStore();
    if (scope?.end) scope.end(thrown);
    else console.error('An unexpected error:', thrown);
    if (scope) return;
    const nowMs = Date.now();
    times = [...times.filter((atMs) => nowMs - atMs < WINDOW_MS), nowMs];
    if (times.length > MAX_ERRORS)
      giveUp('Too many unexpected errors in a short time. The log has the details.');
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}
