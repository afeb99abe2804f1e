import type { IncomingMessage } from 'node:http';
import { ENVD_PORT } from './guests';
import { sameSecret, signatureFor, type Tokens } from './ids';
import type { GuestAddress } from './routing';

/**
 * Whether a request may reach a port of a sandbox: without public traffic it needs the traffic access token, except on the
 * port of envd, which has its own check (docs/protocol.md#ports-of-a-sandbox).
 */
export function mayPass({ record, port }: GuestAddress, request: IncomingMessage, tokens: Tokens): boolean {
  if (port === ENVD_PORT || record.network?.allowPublicTraffic !== false) return true;
  const { headers } = request;
  const token = headers['e2b-traffic-access-token'] ?? headers['moru-traffic-access-token'];
  return typeof token === 'string' && sameSecret(token, tokens.traffic(record.id));
}

/**
 * Whether a request that `mayPass` resumes a sandbox (docs/protocol.md#auto-resume). A secure one resumes only for a caller
 * whom envd would let in. A health check never resumes a sandbox.
 */
export function mayWake(address: GuestAddress, request: IncomingMessage, tokens: Tokens): boolean {
  const { record, port, path, query } = address;
  if (port === ENVD_PORT && path === '/health') return false;
  if (port !== ENVD_PORT || !record.secure) return true;
  const token = request.headers['x-access-token'];
  const expected = tokens.access(record.id);
  if (token !== undefined) return typeof token === 'string' && sameSecret(token, expected);
  const signature = query.get('signature');
  const expiration = query.get('signature_expiration');
  if (expiration !== null && !(Number(expiration) * 1000 >= Date.now())) return false;
  return signature !== null && sameSecret(signature, signatureFor(request.method, query, expected));
}
