import 'server-only';
import { type Config, hostInUrl, isWildcard } from '../config';

type Address = Pick<Config, 'host' | 'port' | 'publicOrigin'>;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Every origin under which a browser may reach us, lower-case. Anything else is refused: a page on another name that
 * resolves to this machine (DNS rebinding) carries its own name in `Host` and `Origin`.
 */
function ownOrigins({ host, port, publicOrigin }: Address): Set<string> {
  const names = new Set(isWildcard(host) ? LOOPBACK : [hostInUrl(host)]);
  // Whoever listens on one loopback address is reached under its other names, too.
  if (isLoopback(hostInUrl(host))) for (const name of LOOPBACK) names.add(name);
  const origins = [...names].map((name) => new URL(`http://${name}:${port}`).origin);
  if (publicOrigin) origins.push(publicOrigin.toLowerCase());
  return new Set(origins);
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(\.\d+){3}$/.test(name);
}

/** Whether the `Host` header names us. */
export function isOwnHost(address: Address, host: string | undefined): boolean {
  if (!host) return false;
  const asked = host.toLowerCase();
  for (const origin of ownOrigins(address)) {
    const url = new URL(origin);
    if (asked === url.host) return true;
    // A browser leaves the default port out of `Host`; other clients may write it.
    if (url.port === '' && asked === `${url.host}:${url.protocol === 'https:' ? 443 : 80}`) return true;
  }
  return false;
}

/** Whether the `Origin` header is ours. A missing or `null` origin is not. */
export function isOwnOrigin(address: Address, origin: string | null | undefined): boolean {
  return typeof origin === 'string' && ownOrigins(address).has(origin.toLowerCase());
}
