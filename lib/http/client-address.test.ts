import { describe, expect, it } from 'vitest';
import { ClientAddresses, limitKeyOf } from './client-address';

function addressOf(proxies: string[], peer: string, forwarded?: string): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return new ClientAddresses(proxies).of({ socket: { remoteAddress: peer }, headers } as never);
}

describe('ClientAddresses', () => {
  it('believes X-Forwarded-For only from a trusted proxy', () => {
    expect(addressOf([], '127.0.0.1', '203.0.113.7')).toBe('127.0.0.1');
    expect(addressOf(['127.0.0.0/8'], '127.0.0.1', '203.0.113.7')).toBe('203.0.113.7');
    expect(addressOf(['127.0.0.0/8'], '::ffff:127.0.0.1', '::ffff:203.0.113.7')).toBe('203.0.113.7');
    expect(addressOf(['127.0.0.0/8'], '10.0.0.7', '203.0.113.7')).toBe('10.0.0.7');
    expect(addressOf(['fd00::/8'], 'fd00::5', '2001:db8::1')).toBe('2001:db8::1');
  });

  it('takes the last address that no proxy added, so that a client cannot choose its own', () => {
    const proxies = ['127.0.0.1', '10.0.0.0/8'];
    expect(addressOf(proxies, '127.0.0.1', '198.51.100.1, 203.0.113.7, 10.0.0.9')).toBe('203.0.113.7');
    expect(addressOf(proxies, '127.0.0.1', '10.0.0.1, 10.0.0.9')).toBe('127.0.0.1');
    expect(addressOf(proxies, '127.0.0.1', 'unknown')).toBe('127.0.0.1');
    expect(addressOf(proxies, '127.0.0.1')).toBe('127.0.0.1');
  });
});

describe('limitKeyOf', () => {
  it('is one key for an IPv6 network of 64 bits', () => {
    expect(limitKeyOf('203.0.113.7')).toBe('203.0.113.7');
    expect(limitKeyOf('2001:db8::1')).toBe(limitKeyOf('2001:0db8:0:0:ffff::2'));
    expect(limitKeyOf('2001:db8::1')).not.toBe(limitKeyOf('2001:db8:0:1::1'));
    expect(limitKeyOf('::1')).toBe('0:0:0:0::/64');
    expect(limitKeyOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });
});
