import { resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { emptySettings } from '../scripts/lib/own-settings.mjs';
import { readConfig } from './config';
import { SETTING_NAMES } from './config-variables';
import { hostInUrl, isWildcard } from './http/host';

function problemsOf(environment: Record<string, string>): string[] {
  const read = readConfig(environment);
  return read.ok ? [] : read.problems;
}

function configOf(environment: Record<string, string>) {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.config;
}

it('clears every setting for tests and benchmarks', () => {
  expect(Object.keys(emptySettings())).toEqual(expect.arrayContaining(SETTING_NAMES));
});

describe('defaults', () => {
  it('binds to loopback and uses the local engine', () => {
    expect(configOf({})).toEqual({
      port: 3000,
      host: '127.0.0.1',
      dataDir: resolve('.sandkeeper'),
      enginePort: 3100,
      signIn: { hasLink: true, token: undefined },
      sessions: { idleMs: 12 * 3_600_000, maxMs: 7 * 24 * 3_600_000 },
      publicOrigin: undefined,
      databaseUrl: `file:${resolve('.sandkeeper/sandkeeper.db')}`,
      connections: [
        {
          name: 'local',
          title: 'Local engine',
          kind: 'local',
          key: '',
          apiUrl: 'http://127.0.0.1:3100',
          domain: '127.0.0.1:3100',
          sandboxUrl: 'http://127.0.0.1:3100',
          teamId: null,
          label: null,
          source: 'environment',
          keySetting: 'SANDKEEPER_ENGINE_KEY',
          addressSetting: 'SANDKEEPER_ENGINE_URL',
        },
      ],
      secretKey: { key: undefined, file: undefined },
      auditLog: null,
      oidc: { providers: [], checkMs: 3_600_000, clockToleranceSeconds: 60, set: [] },
      operations: {
        protectedKey: 'protected',
        cancelWindowMs: 5_000,
        bulkLimit: 5_000,
        maxConcurrency: 32,
        keepMs: null,
      },

      archives: { dir: null, limitBytes: 10 * 2 ** 30 },
      console: {
        perSandbox: 8,
        perPerson: 16,
        total: 64,
        idleMs: 30 * 60_000,
        maxMs: 12 * 3_600_000,
      },
      timing: {
        readPauseMs: 1_000,
        publishMs: 250,
        wakeGraceMs: 15_000,
        retryMs: 200,
        callMs: 15_000,
        claimMs: 15_000,
      },
      http: {
        trustedProxies: [],
        connections: { total: 2_000, perAddress: 200 },
        headerTimeoutMs: 10_000,
        bodyTimeoutMs: 30_000,
      },
      diskReserveBytes: 32 * 2 ** 20,
    });
  });

  it('trusts a proxy on this machine with a public origin, and others by their addresses', () => {
    expect(configOf({ SANDKEEPER_URL: 'https://x.example' }).http.trustedProxies).toEqual([
      '127.0.0.0/8',
      '::1',
    ]);
    const { http } = configOf({ SANDKEEPER_TRUSTED_PROXIES: '10.0.0.7, fd00::/8' });
    expect(http.trustedProxies).toEqual(['10.0.0.7', 'fd00::/8']);
    for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0.7,', 'fd00::/129', '10.0.0.0/8/8'])
      expect(problemsOf({ SANDKEEPER_TRUSTED_PROXIES: wrong })).toHaveLength(1);
  });

  it('resolves the archive directory against the working directory', () => {
    const { archives } = configOf({ SANDKEEPER_ARCHIVE_DIR: 'kept', SANDKEEPER_ARCHIVE_LIMIT_GB: '2' });
    expect(archives).toEqual({ dir: resolve('kept'), limitBytes: 2 * 2 ** 30 });
    expect(problemsOf({ SANDKEEPER_ARCHIVE_LIMIT_GB: '0' })).toEqual([
      'SANDKEEPER_ARCHIVE_LIMIT_GB is "0": expected whole gigabytes from 1 to 100000.',
    ]);
  });

  it('reads the archive settings under their earlier names', () => {
    const earlier = { SANDKEEPER_EXPORT_DIR: 'kept', SANDKEEPER_EXPORT_LIMIT_GB: '2' };
    expect(configOf(earlier).archives).toEqual({ dir: resolve('kept'), limitBytes: 2 * 2 ** 30 });
    const both = { ...earlier, SANDKEEPER_ARCHIVE_DIR: 'new', SANDKEEPER_ARCHIVE_LIMIT_GB: '3' };
    expect(configOf(both).archives).toEqual({ dir: resolve('new'), limitBytes: 3 * 2 ** 30 });
  });

  it('converts the settings of operations to their units', () => {
    const { operations } = configOf({
      SANDKEEPER_PROTECTED_KEY: 'keep',
      SANDKEEPER_CANCEL_WINDOW_SECONDS: '0',
      SANDKEEPER_BULK_LIMIT: '20000',
      SANDKEEPER_MAX_CONCURRENCY: '1',
      SANDKEEPER_KEEP_OPERATIONS_DAYS: '2',
    });
    expect(operations).toEqual({
      protectedKey: 'keep',
      cancelWindowMs: 0,
      bulkLimit: 20_000,
      maxConcurrency: 1,
      keepMs: 172_800_000,
    });
  });

  it('treats an empty or blank value as absent', () => {
    expect(configOf({ PORT: '', HOST: '  ', MORU_API_KEY: '', SANDKEEPER_URL: ' ' })).toEqual(configOf({}));
  });

  it('keeps the database in the data directory', () => {
    expect(configOf({ SANDKEEPER_DATA_DIR: '/var/lib/keeper' }).databaseUrl).toBe(
      'file:/var/lib/keeper/sandkeeper.db',
    );
  });
});

const connectionsOf = (environment: Record<string, string>) => configOf(environment).connections;
const namesOf = (environment: Record<string, string>) => connectionsOf(environment).map(({ name }) => name);

describe('the connections', () => {
  it('contain Moru if a key is set', () => {
    expect(connectionsOf({ MORU_API_KEY: 'moru_0123' })).toMatchObject([
      {
        name: 'moru',
        kind: 'moru',
        key: 'moru_0123',
        apiUrl: 'https://api.moru.io',
        domain: 'moru.io',
        sandboxUrl: null,
      },
    ]);
  });

  it('contain E2B if its key is set, after Moru', () => {
    expect(connectionsOf({ E2B_API_KEY: 'e2b_0123' })).toMatchObject([{ kind: 'e2b', key: 'e2b_0123' }]);
    expect(namesOf({ E2B_API_KEY: 'e2b_0123', MORU_API_KEY: 'moru_0123' })).toEqual(['moru', 'e2b']);
  });

  it('lead to another service by domain or by URL', () => {
    const key = { MORU_API_KEY: 'k' };
    expect(connectionsOf({ ...key, MORU_DOMAIN: 'sbx.test:8443' })).toMatchObject([
      { apiUrl: 'https://api.sbx.test:8443' },
    ]);
    expect(connectionsOf({ ...key, MORU_API_URL: 'http://10.0.0.1:9' })).toMatchObject([
      { apiUrl: 'http://10.0.0.1:9' },
    ]);
  });

  it('contain the engine at the URL from the start script', () => {
    const engine = { SANDKEEPER_ENGINE_URL: 'http://127.0.0.1:4000', SANDKEEPER_ENGINE_KEY: 'moru_k' };
    expect(connectionsOf(engine)).toMatchObject([
      {
        name: 'local',
        kind: 'local',
        apiUrl: 'http://127.0.0.1:4000',
        key: 'moru_k',
        domain: '127.0.0.1:4000',
      },
    ]);
  });

  it('contain the local engine if nothing else is declared, or last if it is switched on', () => {
    const key = { MORU_API_KEY: 'k' };
    expect(namesOf({})).toEqual(['local']);
    expect(namesOf(key)).toEqual(['moru']);
    expect(namesOf({ ...key, SANDKEEPER_LOCAL_ENGINE: 'on' })).toEqual(['moru', 'local']);
    expect(namesOf({ SANDKEEPER_LOCAL_ENGINE: 'off' })).toEqual([]);
  });

  it.each(['API_URL', 'DOMAIN', 'SANDBOX_URL'])('refuses %s without a key', (rest) => {
    for (const service of ['MORU', 'E2B']) {
      const value = rest === 'DOMAIN' ? 'sbx.test' : 'https://sbx.test';
      expect(problemsOf({ [`${service}_${rest}`]: value })).toEqual([
        `${service}_${rest} is set but ${service}_API_KEY is not: set both to use that service, or neither.`,
      ]);
    }
  });

  it('names what is wrong in the file of connections', () => {
    expect(problemsOf({ SANDKEEPER_CONNECTIONS: '/absent.yaml' })).toEqual([
      expect.stringMatching(/^SANDKEEPER_CONNECTIONS: \/absent\.yaml cannot be read/),
    ]);
  });
});

describe('wrong values', () => {
  it.each([
    ['PORT', '0', 'a port number from 1 to 65535, such as 3000'],
    ['PORT', '65536', 'a port number from 1 to 65535, such as 3000'],
    ['PORT', '3e3', 'a port number from 1 to 65535, such as 3000'],
    ['HOST', 'two words', 'an address or host name to listen on, such as 127.0.0.1'],
    ['HOST', 'localhost:3000', 'an address or host name to listen on, such as 127.0.0.1'],
    ['HOST', '1.2.3.4.5', 'an address or host name to listen on, such as 127.0.0.1'],
    ['SANDKEEPER_ENGINE_PORT', '-1', 'a port number from 1 to 65535, such as 3100'],
    ['SANDKEEPER_ENGINE_URL', 'ftp://engine', 'the http address of a running local engine'],
    [
      'SANDKEEPER_URL',
      'keeper.example.com',
      'an origin such as https://sandkeeper.example.com, without a path',
    ],
    [
      'SANDKEEPER_URL',
      'https://example.com/keeper',
      'an origin such as https://sandkeeper.example.com, without a path',
    ],
    [
      'SANDKEEPER_URL',
      'https://example.com/?a=b',
      'an origin such as https://sandkeeper.example.com, without a path',
    ],
  ])('names %s when it is %j', (name, value, right) => {
    expect(problemsOf({ [name]: value })).toEqual([
      `${name} is ${JSON.stringify(value)}: expected ${right}.`,
    ]);
  });

  it.each([
    ['MORU_API_URL', 'api.moru.io', 'an http or https address such as https://api.moru.io'],
    ['MORU_DOMAIN', 'https://moru.io', 'a domain such as moru.io'],
    ['MORU_SANDBOX_URL', 'sandbox', 'an http or https address'],
  ])('names %s when it is %j beside a key', (name, value, right) => {
    expect(problemsOf({ MORU_API_KEY: 'k', [name]: value })).toEqual([
      `${name} is ${JSON.stringify(value)}: expected ${right}.`,
    ]);
  });

  it.each([
    ['MORU_API_KEY', 'moru key', 'an API key without spaces'],
    ['SANDKEEPER_SIGN_IN_TOKEN', 'too-short', '16 to 512 printable characters without spaces'],
    [
      'DATABASE_URL',
      'mysql://keeper:secret@db/keeper',
      'postgres://user@host/database, or file:/path/to/sandkeeper.db',
    ],
    [
      'SANDKEEPER_URL',
      'https://me:secret@example.com',
      'an origin such as https://sandkeeper.example.com, without a path',
    ],
  ])('names %s without repeating what may be secret', (name, value, right) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name} is not usable: expected ${right}.`]);
  });

  it('are reported in one sentence each', () => {
    const problems = problemsOf({ PORT: 'x', HOST: '/', SANDKEEPER_URL: 'y', DATABASE_URL: 'z' });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'HOST',
      'SANDKEEPER_URL',
      'PORT',
      'DATABASE_URL',
    ]);
  });
});

describe('HOST', () => {
  it.each(['0.0.0.0', '::', '0', '::0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])(
    'of every interface (%s) needs SANDKEEPER_URL',
    (HOST) => {
      expect(isWildcard(HOST)).toBe(true);
      expect(problemsOf({ HOST })).toEqual([expect.stringContaining('also set SANDKEEPER_URL')]);
      expect(configOf({ HOST, SANDKEEPER_URL: 'https://keeper.test' }).publicOrigin).toBe(
        'https://keeper.test',
      );
    },
  );

  it.each(['127.0.0.1', '::1', 'localhost', '10.0.0.7', 'keeper.test'])(
    'of one name (%s) does not',
    (HOST) => {
      expect(problemsOf({ HOST })).toEqual([]);
    },
  );

  it('is in brackets in URLs if it is IPv6', () => {
    expect(['::1', '2001:DB8:0:0::1', '127.1', 'Keeper.test'].map(hostInUrl)).toEqual([
      '[::1]',
      '[2001:db8::1]',
      '127.0.0.1',
      'keeper.test',
    ]);
  });
});

describe('config()', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  it('throws one error with all problems, and reads valid settings once', async () => {
    vi.stubEnv('PORT', 'x');
    vi.stubEnv('DATABASE_URL', 'y');
    const { config } = await import('./config');
    expect(() => config()).toThrow(/^PORT is "x": .+\nDATABASE_URL is not usable: .+$/);
    vi.stubEnv('PORT', '3210');
    vi.stubEnv('DATABASE_URL', '');
    expect(config().port).toBe(3210);
    vi.stubEnv('PORT', '3211');
    expect(config().port).toBe(3210);
  });
});
