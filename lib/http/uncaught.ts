import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';

/** The open response in whose request code runs. Emptied when it is closed, because timers and streams keep the context. */
type Scope = { res: ServerResponse | null };
const scopes = new AsyncLocalStorage<Scope>();

/** Errors in so short a time mean a defect that serving on does not get over. */
const MAX_ERRORS = 100;
const WINDOW_MS = 10_000;

/** Runs `work` so that an uncaught error in it, also later in a callback, ends this request. */
export function inRequest(res: ServerResponse, work: () => unknown): void {
  const scope: Scope = { res };
  res.once('close', () => {
    scope.res = null;
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
 * `giveUp` is called instead when errors do not end.
 */
export function keepServing(giveUp: (message: string) => void): void {
  let times: number[] = [];
  const onError = (thrown: unknown) => {
    const { res = null } = scopes.getStore() ?? {};
    if (res === null) console.error('An unexpected error:', thrown);
    else failRequest(res, thrown);
    const nowMs = Date.now();
    times = [...times.filter((atMs) => nowMs - atMs < WINDOW_MS), nowMs];
    if (times.length > MAX_ERRORS)
      giveUp('Too many unexpected errors in a short time. The log has the details.');
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}
