import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Guest } from '../guests';
import { ApiError } from '../http';
import { fileSignature } from '../ids';

/**
 * Checks a data-plane request against the sandbox's token (docs/protocol.md#envd-access-check). Nothing is checked
 * unless it is `secure`.
 */

/** Everything but `/health` and `/files`. @throws ApiError 401 */
export function requireToken(guest: Guest, request: IncomingMessage): void {
  if (!guest.secure || isToken(guest, request.headers['x-access-token'])) return;
  const message = 'unauthorized access, please provide a valid access token or method signing if supported';
  throw new ApiError(401, message);
}

/** `/files`: the token or a signature made with it. @throws ApiError 401 */
export function requireFileAccess(guest: Guest, request: IncomingMessage, query: URLSearchParams): void {
  if (!guest.secure) return;
  const token = request.headers['x-access-token'];
  if (token !== undefined) {
    if (isToken(guest, token)) return;
    throw new ApiError(401, 'access token present in header but does not match');
  }
  const signature = query.get('signature');
  if (signature === null) throw new ApiError(401, 'missing signature query parameter');
  const expiration = query.get('signature_expiration');
  const expected = fileSignature(
    {
      path: query.get('path') ?? '',
      operation: request.method === 'POST' ? 'write' : 'read',
      username: query.get('username') ?? '',
      ...(expiration === null ? {} : { expiration }),
    },
    guest.accessToken,
  );
  if (!isSame(signature, expected)) throw new ApiError(401, 'invalid signature');
  if (expiration !== null && !(Number(expiration) >= Math.floor(Date.now() / 1000))) {
    throw new ApiError(401, 'signature is already expired');
  }
}

/**
 * The headers with which a web page may read the answer, or null when a page may not even ask.
 *
 * With a token the answer is for whoever has it, wherever the page comes from, as in the cloud. Without one, the id
 * alone opens the sandbox, so only pages of this machine may use it; a foreign page that has learned an id could
 * otherwise run commands here through the browser of whoever visits it.
 */
export function crossOriginHeaders(guest: Guest, request: IncomingMessage): Record<string, string> | null {
  const { origin } = request.headers;
  if (guest.secure) return { 'access-control-allow-origin': '*' };
  if (origin === undefined) return {};
  return isLocal(origin) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : null;
}

/** What a preflight is answered besides. */
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

function isToken(guest: Guest, header: string | string[] | undefined): boolean {
  return typeof header === 'string' && isSame(header, guest.accessToken);
}

/** Takes as long for a good guess as for a bad one. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
