import 'server-only';
import type { Config } from '../config';
import { hostInUrl, isWildcard } from '../http/host';

type Address = Pick<Config, 'host' | 'port' | 'publicOrigin'>;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Every origin of this server, in lower case. Others are refused, which defeats DNS rebinding: such a page sends its own
 * name in `Host` and `Origin`.
 */
function ownOrigins({ host, port, publicOrigin }: Address): Set<string> {
  const names = new Set(isWildcard(host) ? LOOPBACK : [hostInUrl(host)]);
  // A server on one loopback address can be reached under the other loopback names.
  if (isLoopback(hostInUrl(host))) for (const name of LOOPBACK) names.add(name);
  const origins = [...names].map((name) => new URL(`http://${name}:${port}`).origin);
  if (publicOrigin) origins.push(publicOrigin.toLowerCase());
  return new Set(origins);
}

/** The address that people use. */
export function ownUrl({ host, port, publicOrigin }: Address): string {
  const shownHost = host === '127.0.0.1' || host === '::1' ? 'localhost' : hostInUrl(host);
  return publicOrigin ?? `http://${shownHost}:${port}`;
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(\.\d+){3}$/.test(name);
}

/** Whether the `Host` header is ours. */
export function isOwnHost(address: Address, host: string | undefined): boolean {
  if (!host) return false;
  const requested = host.toLowerCase();
  for (const origin of ownOrigins(address)) {
    const url = new URL(origin);
    if (requested === url.host) return true;
    // Browsers omit the default port in `Host`. Other clients may send it.
    if (url.port === '' && requested === `${url.host}:${url.protocol === 'https:' ? 443 : 80}`) return true;
  }
  return false;
}

/** Whether the `Origin` header is ours. False for a missing or `null` origin. */
export function isOwnOrigin(address: Address, origin: string | null | undefined): boolean {
  return typeof origin === 'string' && ownOrigins(address).has(origin.toLowerCase());
}
