import { expect, it } from 'vitest';
import { envdAddress, trustedDomain } from './addresses';
import type { Connection } from './connection';

it('accepts only subdomains of the domain of the connection', () => {
  const connection = { domain: 'moru.example' };
  expect(trustedDomain(connection, 'eu.moru.example')).toBe('eu.moru.example');
  for (const named of [
    '',
    'moru.example',
    'evil.example',
    'evilmoru.example',
    'evil.example/.moru.example',
    'evil.example#.moru.example',
    'a@evil.example:80/x.moru.example',
  ]) {
    expect(trustedDomain(connection, named)).toBe('moru.example');
  }
});

const connection: Connection = {
  name: 'moru',
  kind: 'moru',
  apiUrl: 'https://api.x',
  key: 'k',
  domain: 'moru.io',
};
const sandbox = { sandboxID: 'i0', domain: null };

it.each<[string, Partial<Connection>, string | null, string]>([
  ['Moru', {}, null, 'https://49983-i0.moru.io'],
  ['Moru with a region', {}, 'eu.moru.io', 'https://49983-i0.eu.moru.io'],
  ['E2B', { kind: 'e2b', domain: 'e2b.app' }, null, 'https://sandbox.e2b.app'],
  [
    'E2B, self-hosted',
    { kind: 'e2b', domain: 'e2b.corp.example' },
    null,
    'https://49983-i0.e2b.corp.example',
  ],
  [
    'E2B with a domain below its own',
    { kind: 'e2b', domain: 'e2b.app' },
    'eu.e2b.app',
    'https://49983-i0.eu.e2b.app',
  ],
  ['a compatible service', { kind: 'e2b-compatible', domain: 'e2b.app' }, null, 'https://49983-i0.e2b.app'],
  ['a fixed address', { kind: 'e2b', sandboxUrl: 'http://10.0.0.1:8080/s' }, null, 'http://10.0.0.1:8080/s'],
])('reaches sandboxes of %s', (_, changes, domain, baseUrl) => {
  expect(envdAddress({ ...connection, ...changes }, { ...sandbox, domain }).baseUrl).toBe(baseUrl);
});

it('names the sandbox in the headers of its kind', () => {
  expect(envdAddress(connection, sandbox).headers).toEqual({
    'moru-sandbox-id': 'i0',
    'moru-sandbox-port': '49983',
  });
  expect(envdAddress({ ...connection, kind: 'e2b' }, sandbox).headers).toEqual({
    'e2b-sandbox-id': 'i0',
    'e2b-sandbox-port': '49983',
  });
});
