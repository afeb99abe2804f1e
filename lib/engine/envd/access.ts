import type { IncomingMessage } from 'node:http';
import { localOriginHeaders } from '../cross-origin';
import type { Guest } from '../guests';
import { ApiError } from '../http';
import { fileSignature, sameSecret } from '../ids';

/**
 * Checks the access token of a secure sandbox, on every path but `/health` and `/files`
 * (docs/protocol.md#envd-access-check).
 * @throws ApiError 401
 */
export function requireToken(guest: Guest, request: IncomingMessage): void {
  if (!guest.secure || isToken(guest, request.headers['x-access-token'])) return;
  const message = 'unauthorized access, please provide a valid access token or method signing if supported';
  throw new ApiError(401, message);
}

/**
 * Checks the access token or the signature of a request to `/files` (docs/protocol.md#envd-file-access-check).
 * @throws ApiError 401
 */
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
  if (!sameSecret(signature, expected)) throw new ApiError(401, 'invalid signature');
  if (expiration !== null && !(Number(expiration) >= Math.floor(Date.now() / 1000))) {
    throw new ApiError(401, 'signature is already expired');
  }
}

/**
 * CORS headers of a response; null if the page's origin is rejected.
 *
 * Any origin may use a secure sandbox, because it needs the token, as in the cloud. Only local pages may use another
 * one, because the id alone is enough: a foreign page could run commands here through a visitor's browser.
 */
export function crossOriginHeaders(guest: Guest, request: IncomingMessage): Record<string, string> | null {
  return guest.secure ? { 'access-control-allow-origin': '*' } : localOriginHeaders(request);
}

function isToken(guest: Guest, header: string | string[] | undefined): boolean {
  return typeof header === 'string' && sameSecret(header, guest.accessToken);
}
