import 'server-only';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Set by the front on every request, so that actions can read it. A value from the client is replaced. */
export const CLIENT_ADDRESS_HEADER = 'x-sandkeeper-client';

/** Tells clients apart for limits. Believes `X-Forwarded-For` only from the given proxies. */
export class ClientAddresses {
  readonly #proxies = new BlockList();

  /** `proxies` are addresses and CIDR ranges that `isAddressRange` accepts. */
  constructor(proxies: readonly string[]) {
    for (const range of proxies) {
      const [address = '', bits] = range.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(bits), family);
    }
  }

  isProxy(address: string | undefined): boolean {
    const plain = withoutMapping(address ?? '');
    return isIP(plain) !== 0 && this.#proxies.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }

  /** The client's address: the peer's, or the last one that a trusted proxy has not added itself. */
  of({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): string {
    const peer = withoutMapping(socket.remoteAddress ?? '');
    if (!this.isProxy(peer)) return peer;
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
    for (const text of forwarded.reverse()) {
      const address = withoutMapping(text.trim());
      if (isIP(address) === 0) return peer;
      if (!this.isProxy(address)) return address;
    }
    return peer;
  }
}

/** Whether `text` is an IP address, optionally with `/` and the bits of its prefix. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

/** The key under which an address is limited. One IPv6 customer has a whole /64. */
export function limitKeyOf(address: string): string {
  if (!isIPv6(address)) return address;
  const { hostname } = new URL(`http://[${address.split('%')[0]}]`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = Array.from({ length: 8 - groups.length - last.length }, () => '0');
  return `${[...groups, ...missing, ...last].slice(0, 4).join(':')}::/64`;
}

/** IPv4 in an IPv6 notation as IPv4. */
function withoutMapping(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
