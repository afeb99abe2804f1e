import type { IncomingMessage, ServerResponse } from 'node:http';

/** Calls of pages in a browser. The services let in pages of any origin (docs/protocol.md#cors), this engine local ones. */

/** Headers that let a local page read a response; null for a page from elsewhere, none for any other caller. */
export function localOriginHeaders({ headers }: IncomingMessage): Record<string, string> | null {
  const { origin } = headers;
  if (origin === undefined) return {};
  return isLocal(origin) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : null;
}

/** Lets a local page send the request that it asks for, which is then checked. Returns whether that was the question. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  const allowed = localOriginHeaders(request);
  const isAsked = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
  if (!isAsked || allowed === null) return false;
  response.writeHead(204, { ...allowed, ...preflightHeaders(request) }).end();
  return true;
}

export function preflightHeaders(request: IncomingMessage): Record<string, string> {
  return {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, HEAD',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
    'access-control-max-age': '7200',
  };
}

function isLocal(origin: string): boolean {
  const host = URL.canParse(origin) ? new URL(origin).hostname : '';
  return host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]';
}
