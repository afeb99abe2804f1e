import type { Config } from '../config';

type Address = Pick<Config, 'host' | 'port' | 'publicOrigin'>;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Every origin under which a browser may reach us, lower-case. Anything else is refused: a page on another name that
 * resolves to this machine (DNS rebinding) carries its own name in `Host` and `Origin`.
 */
export function ownOrigins({ host, port, publicOrigin }: Address): Set<string> {
  const origins = new Set<string>();
  if (publicOrigin) origins.add(publicOrigin.toLowerCase());
  const isWildcard = host === '0.0.0.0' || host === '::';
  if (!isWildcard) {
    const names = isLoopback(host)
      ? LOOPBACK
      : [host.includes(':') && !host.startsWith('[') ? `[${host}]` : host];
    for (const name of names) origins.add(new URL(`http://${name}:${port}`).origin.toLowerCase());
  } else {
    for (const name of LOOPBACK) origins.add(new URL(`http://${name}:${port}`).origin.toLowerCase());
  }
  return origins;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');
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
