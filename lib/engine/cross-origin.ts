import type { IncomingMessage, ServerResponse } from 'node:http';
import { isGuestHost } from './routing';

/**
 * Cross-origin calls. The services accept pages of any origin (docs/protocol.md#cors); this engine accepts only local ones, and
 * none that a sandbox serves.
 */

/** Headers that let a local page read a response; null for a page from elsewhere, none for any other caller. */
export function localOriginHeaders({ headers }: IncomingMessage): Record<string, string> | null {
  const { origin } = headers;
  if (origin === undefined) return {};
  return isLocal(origin) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : null;
}

/** Answers a preflight of a local page. Returns false if the request is not one. */
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
  if (isGuestHost(host)) return false;
  return host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]';
}
