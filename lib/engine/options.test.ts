import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOptions } from './options';

const KEY = `moru_${'a1'.repeat(20)}`;

test('has defaults', () => {
  expect(readOptions([], {})).toEqual({
    host: '127.0.0.1',
    port: 3100,
    nextFreePort: false,
    dataDir: join('.sandkeeper', 'engine'),
    apiKey: undefined,
    maxRunning: 20,
    maxLengthHours: 1,
    diskQuotaMB: undefined,
    hostNetwork: false,
    allowFaults: false,
  });
});

test('prefers options to variables, and ignores empty variables', () => {
  const environment = {
    SANDKEEPER_ENGINE_PORT: '4000',
    SANDKEEPER_DATA_DIR: '/data',
    SANDKEEPER_ENGINE_KEY: KEY,
  };
  expect(readOptions([], environment)).toMatchObject({
    port: 4000,
    dataDir: join('/data', 'engine'),
    apiKey: KEY,
  });
  const flags = [
    '--port',
    '5000',
    '--data-dir=/else',
    '--next-free-port',
    '--max-running',
    '3',
    '--disk-quota-mb=512',
  ];
  expect(
    readOptions(
      [...flags, '--max-length-hours', '0.5', '--host', '0.0.0.0', '--host-network', '--faults'],
      environment,
    ),
  ).toEqual({
    host: '0.0.0.0',
    port: 5000,
    nextFreePort: true,
    dataDir: '/else',
    apiKey: KEY,
    maxRunning: 3,
    maxLengthHours: 0.5,
    diskQuotaMB: 512,
    hostNetwork: true,
    allowFaults: true,
  });
  expect(readOptions([], { SANDKEEPER_ENGINE_PORT: '', SANDKEEPER_ENGINE_KEY: '' })).toMatchObject({
    port: 3100,
  });
  expect(readOptions(['--help'], {})).toBe('help');
});

test.each([
  [['--port', 'abc'], {}, '--port: expected a whole number from 0 to 65535, got "abc".'],
  [['--port', '70000'], {}, '--port: expected a whole number from 0 to 65535, got "70000".'],
  [[], { SANDKEEPER_ENGINE_PORT: '-1' }, 'SANDKEEPER_ENGINE_PORT: expected a whole number from 0 to 65535'],
  [['--max-running', '0'], {}, '--max-running: expected a whole number from 1'],
  [['--max-length-hours', 'x'], {}, '--max-length-hours: expected a number from 0.001'],
  [['--disk-quota-mb', '0'], {}, '--disk-quota-mb: expected a whole number from 1'],
  [['--disk-quota-mb', '1.5'], {}, '--disk-quota-mb: expected a whole number from 1'],
  [['--data-dir', ' '], {}, '--data-dir: expected a value'],
  [['--prot', '1'], {}, "Unknown option '--prot'"],
  [['--port'], {}, 'argument missing'],
  [['extra'], {}, "Unexpected argument 'extra'"],
  [[], { SANDKEEPER_ENGINE_KEY: 'secret' }, 'SANDKEEPER_ENGINE_KEY: expected moru_ or e2b_ followed by'],
])('rejects %j %j by name', (args, environment, message) => {
  expect(() => readOptions(args, environment)).toThrow(message);
});
