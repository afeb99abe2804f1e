import 'server-only';
import type { Config } from '../config';

type Address = Pick<Config, 'port' | 'publicOrigin'>;

/**
 * The name of the session cookie. It contains the port: cookies are shared between ports, and two servers on one host need
 * two names. With `__Host-`, browsers take it from this host alone, over https, and not from a sibling domain.
 */
export function cookieNameAt({ port, publicOrigin }: Address): string {
  return `${publicOrigin?.startsWith('https:') ? '__Host-' : ''}sandkeeper_session_${port}`;
}

/**
 * Whether a `Cookie` header has the session cookie more than once. A page of a sibling domain, or of this host on another
 * port, can add one of its own, and nothing tells the two apart.
 */
export function hasTwoSessions(address: Address, header: string | undefined): boolean {
  const name = cookieNameAt(address);
  return (header ?? '').split(';').filter((pair) => pair.split('=')[0]?.trim() === name).length > 1;
}

export const TWO_SESSIONS =
  'Your browser sent two session cookies, so Sandkeeper cannot tell which one is yours. Another page of this domain may have set one. Delete the cookies of this site in your browser, then sign in again.';
