import { describe, expect, it } from 'vitest';
import { readConfig } from './config';
import { guessingBits, warningsOf } from './config-warnings';

function warningsFor(environment: Record<string, string | undefined>): string[] {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return warningsOf(read.config);
}

const RANDOM = 'Ry0yJm8rV3hQ1cZkT6uWb9nL';

describe('warningsOf', () => {
  it('accepts the defaults, https, and addresses of this machine', () => {
    for (const environment of [
      {},
      { SANDKEEPER_URL: 'https://sandkeeper.example.com' },
      { SANDKEEPER_URL: 'http://localhost:8080' },
      { SANDKEEPER_URL: 'http://127.0.0.1:8080' },
      { SANDKEEPER_URL: 'http://[::1]:8080' },
      { MORU_API_KEY: 'x', MORU_API_URL: 'https://api.example.com' },
      { MORU_API_KEY: 'x', MORU_API_URL: 'http://127.0.0.1:4000' },
      { MORU_API_KEY: 'x', E2B_API_KEY: 'y', SANDKEEPER_LOCAL_ENGINE: 'on' },
    ]) {
      expect(warningsFor(environment), JSON.stringify(environment)).toEqual([]);
    }
  });

  it('names a plain http origin that others reach', () => {
    for (const environment of [
      { SANDKEEPER_URL: 'http://sandkeeper.example.com' },
      { SANDKEEPER_URL: 'http://10.0.0.7:3000', HOST: '0.0.0.0' },
      { HOST: '192.168.1.5' },
    ]) {
      expect(warningsFor(environment), JSON.stringify(environment)).toEqual([
        expect.stringMatching(/without encryption.*https/),
      ]);
    }
  });

  it('names a domain of sandboxes that is a sibling of its own', () => {
    const warningsAt = (url: string, domain: string) =>
      warningsFor({ SANDKEEPER_URL: url, E2B_API_KEY: 'y', E2B_DOMAIN: domain });
    for (const [url, domain] of [
      ['https://sandkeeper.example.com', 'sandboxes.example.com'],
      ['https://sandkeeper.example.com', 'example.com'],
      ['https://example.com', 'box.example.com:8443'],
      ['https://keeper.example.co.uk', 'box.example.co.uk'],
    ] as const) {
      const [warning, ...others] = warningsAt(url, domain);
      expect(warning, domain).toMatch(
        /^The connection e2b serves sandboxes under .* Serve Sandkeeper under another/,
      );
      expect(others, domain).toEqual([]);
    }
    for (const [url, domain] of [
      ['https://sandkeeper.example.com', 'e2b.app'],
      ['https://sandkeeper.example.com', 'example.org'],
      ['https://one.co.uk', 'two.co.uk'],
      ['http://localhost:8080', 'sandboxes.example.com'],
      ['https://10.0.0.7', 'example.com'],
    ] as const)
      expect(warningsAt(url, domain), domain).toEqual([]);
  });

  it('names a plain http address of the service', () => {
    const [warning] = warningsFor({ MORU_API_KEY: 'x', MORU_API_URL: 'http://api.example.com' });
    expect(warning).toMatch(/^The connection moru uses http:\/\/api\.example\.com, .*Use https/);
  });

  it('says what a permanent token means, without quoting it', () => {
    const [warning = '', ...others] = warningsFor({ SANDKEEPER_SIGN_IN_TOKEN: RANDOM });
    expect(warning).toMatch(/^SANDKEEPER_SIGN_IN_TOKEN is set: .*automation/);
    expect(warning).not.toContain(RANDOM);
    expect(others).toEqual([]);
    expect(warningsFor({ SANDKEEPER_SIGN_IN_TOKEN: RANDOM, SANDKEEPER_SIGN_IN_LINK: 'off' })).toEqual([
      expect.stringMatching(/the token signs nobody in/),
    ]);
  });

  it('names a weak token without quoting it', () => {
    for (const token of [
      'aaaaaaaaaaaaaaaa',
      'password12345678',
      '0123456789abcdef',
      'changemechangeme',
      'sandkeeper-admin-token',
      '1111222233334444',
      'qwertyuiopasdfgh',
      'MySecretToken2024!',
    ]) {
      const [warning = ''] = warningsFor({ SANDKEEPER_SIGN_IN_TOKEN: token });
      expect(warning, token).toMatch(/^SANDKEEPER_SIGN_IN_TOKEN is easy to guess/);
      expect(warning).not.toContain(token);
    }
  });
});

describe('guessingBits', () => {
  it('is high for random tokens', () => {
    for (const token of [
      RANDOM,
      '9f86d081884c7d659a2feaa0c55ad015',
      '5c0e7f1a-93b2-4d68-8b1f-2a7c6e9d0413',
    ]) {
      expect(guessingBits(token), token).toBeGreaterThan(64);
    }
  });
});
