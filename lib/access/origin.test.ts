import { describe, expect, it } from 'vitest';
import { isOwnHost, isOwnOrigin } from './origin';

type Address = Parameters<typeof isOwnHost>[0];

function address(changes: Partial<Address> = {}): Address {
  return { host: '127.0.0.1', port: 3000, publicOrigin: undefined, ...changes };
}

const hostsOf = (at: Address, hosts: string[]) => hosts.filter((host) => isOwnHost(at, host));
const originsOf = (at: Address, origins: (string | null | undefined)[]) =>
  origins.filter((origin) => isOwnOrigin(at, origin));

describe('isOwnHost', () => {
  it('accepts every loopback name at the right port, and no other', () => {
    const own = ['localhost:3000', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000'];
    const foreign = [
      'localhost',
      'localhost:3001',
      'localhost:30000',
      'localhost.:3000',
      'evil.example:3000',
      'localhost.evil.example:3000',
      '127.0.0.1.nip.io:3000',
      '10.0.0.7:3000',
      'localhost:3000@evil.example',
      '[::]:3000',
      '0.0.0.0:3000',
      '',
    ];
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      expect(hostsOf(address({ host }), [...own, ...foreign])).toEqual(own);
    }
    expect(isOwnHost(address(), undefined)).toBe(false);
  });

  it('accepts the loopback address it listens on', () => {
    expect(
      hostsOf(address({ host: '127.0.0.2' }), ['127.0.0.2:3000', 'localhost:3000', '127.0.0.3:3000']),
    ).toEqual(['127.0.0.2:3000', 'localhost:3000']);
  });

  it('accepts only the name it listens on', () => {
    expect(hostsOf(address({ host: '10.0.0.7' }), ['10.0.0.7:3000', 'localhost:3000'])).toEqual([
      '10.0.0.7:3000',
    ]);
    const v6 = address({ host: '2001:DB8::1' });
    expect(hostsOf(v6, ['[2001:db8::1]:3000', '[2001:DB8::1]:3000', '[2001:db8::2]:3000'])).toEqual([
      '[2001:db8::1]:3000',
      '[2001:DB8::1]:3000',
    ]);
    expect(
      hostsOf(address({ host: '127.evil.example' }), ['127.evil.example:3000', 'localhost:3000']),
    ).toEqual(['127.evil.example:3000']);
  });

  it('accepts loopback and the public name when it listens on all interfaces', () => {
    for (const host of ['0.0.0.0', '::', '0']) {
      const at = address({ host, publicOrigin: 'https://keeper.test' });
      expect(
        hostsOf(at, [
          'keeper.test',
          'keeper.test:443',
          'localhost:3000',
          '10.0.0.7:3000',
          'keeper.test:3000',
        ]),
      ).toEqual(['keeper.test', 'keeper.test:443', 'localhost:3000']);
    }
  });

  it('accepts the default port with or without its number', () => {
    expect(hostsOf(address({ port: 80 }), ['localhost', 'localhost:80', 'localhost:443'])).toEqual([
      'localhost',
      'localhost:80',
    ]);
    const at = address({ publicOrigin: 'https://keeper.test:8443' });
    expect(hostsOf(at, ['keeper.test:8443', 'keeper.test', 'keeper.test:443'])).toEqual(['keeper.test:8443']);
  });
});

describe('isOwnOrigin', () => {
  it('accepts our own origins', () => {
    expect(
      originsOf(address(), [
        'http://localhost:3000',
        'http://127.0.0.1:3000',
        'http://[::1]:3000',
        'HTTP://LOCALHOST:3000',
      ]),
    ).toHaveLength(4);
    expect(originsOf(address({ port: 80 }), ['http://localhost', 'http://localhost:80'])).toEqual([
      'http://localhost',
    ]);
  });

  it('refuses a missing or null origin, and another scheme, port or name', () => {
    expect(
      originsOf(address({ publicOrigin: 'https://keeper.test' }), [
        undefined,
        null,
        '',
        'null',
        'https://localhost:3000',
        'http://localhost:3001',
        'http://localhost',
        'http://keeper.test',
        'https://keeper.test.evil.example',
        'https://evil.example',
        'https://keeper.test/',
        'https://keeper.test, https://keeper.test',
      ]),
    ).toEqual([]);
    expect(isOwnOrigin(address({ publicOrigin: 'https://keeper.test' }), 'https://keeper.test')).toBe(true);
  });
});
