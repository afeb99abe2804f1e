import { expect, test } from 'vitest';
import { headersForClient, headersForServer } from './port-headers';

const TOKEN = 'a'.repeat(64);
const forServer = (...raw: string[]) => ({ ...headersForServer(raw, [TOKEN]) });
const forClient = (...raw: string[]) => ({ ...headersForClient(raw) });

test.each([
  'X-API-Key',
  'X-Access-Token',
  'Moru-Sandbox-Id',
  'Moru-Sandbox-Port',
  'E2b-Sandbox-Id',
  'Moru-Traffic-Access-Token',
])('keeps %s from the server', (name) => {
  expect(forServer(name, 'secret', 'X-Mine', '1')).toEqual({ 'X-Mine': '1' });
});

test.each([
  ['Bearer moru_0123456789abcdef0123', undefined],
  [`Bearer ${TOKEN}`, undefined],
  [TOKEN, undefined],
  [`Basic ${btoa(`user:${TOKEN}`)}`, undefined],
  [`Basic ${btoa('user:moru_0123456789abcdef0123')}`, undefined],
  ['Bearer of-the-app', 'Bearer of-the-app'],
  [`Basic ${btoa('user:password')}`, `Basic ${btoa('user:password')}`],
])('decides about the credential %s', (value, expected) => {
  expect(forServer('Authorization', value).Authorization).toBe(expected);
});

test.each([
  ['sandkeeper_session_3000=abc', undefined],
  ['mine=1; sandkeeper_session_3000=abc; other=2', 'mine=1; other=2'],
  ['__Host-sandkeeper_session=abc; mine=1', 'mine=1'],
  ['not_sandkeeper_session=1', 'not_sandkeeper_session=1'],
])('keeps the cookies of the dashboard in %j from the server', (value, expected) => {
  expect(forServer('Cookie', value).Cookie).toBe(expected);
});

test('drops the headers of the connection in both directions', () => {
  const raw = [
    'Connection',
    'close, X-Hop',
    'X-Hop',
    '1',
    'Transfer-Encoding',
    'gzip',
    'Upgrade',
    'h2c',
    'A',
    '1',
  ];
  expect(forServer(...raw)).toEqual({ A: '1' });
  expect(forClient(...raw)).toEqual({ a: '1' });
});

test('names headers for a server as the service does', () => {
  const headers = forServer('host', 'a.localhost', 'x-MINE-2nd', '1', 'X-Mine-2nd', '2', '__proto__', '3');
  expect(Object.entries(headers)).toEqual([
    ['Host', 'a.localhost'],
    ['X-Mine-2nd', ['1', '2']],
    ['__proto__', '3'],
  ]);
});

test('keeps repeated headers, and names that objects know', () => {
  expect(forClient('Set-Cookie', 'a=1', 'set-cookie', 'b=2')).toEqual({ 'set-cookie': ['a=1', 'b=2'] });
  const headers = headersForClient(['__proto__', 'x', 'constructor', 'y']);
  expect(Object.entries(headers)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('drops what the server must not do to the dashboard or to the response', () => {
  expect(forClient('Set-Cookie', 'sandkeeper_session_3000=forged; Path=/')).toEqual({});
  expect(forClient('Clear-Site-Data', '"cookies"')).toEqual({});
  expect(forClient('a b', '1', '', '2', 'c', 'x\ny', 'd', 'e\u0000')).toEqual({});
  expect(forClient('Content-Length', '-1')).toEqual({});
  expect(forClient('Content-Length', '1', 'Content-Length', '2')).toEqual({});
  expect(forClient('Content-Length', '12')).toEqual({ 'content-length': '12' });
});
