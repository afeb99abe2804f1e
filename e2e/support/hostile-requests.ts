import { randomBytes } from 'node:crypto';
import type { Random } from '../../lib/test-support/random';

/** Requests that break HTTP, or ask for what nobody asks for. */

const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'get',
  'G\0T',
  '',
];
const PATHS = [
  '/',
  '*',
  '',
  'x',
  '//',
  '//evil.example/',
  '/%',
  '/%ff',
  '/%E0%A4%A',
  '/%00',
  '/\0',
  '/..%2f..%2fetc/passwd',
  '/./../..',
  '/\\evil',
  'http://evil.example/',
  'http://[',
  'http://user:pass@localhost/',
  '/sandboxes',
  '/sandboxes/%ff/files',
  '/sandboxes/__proto__',
  '/sandboxes/%2e%2e',
  '/sandboxes/x/files/%ff?file=%00',
  '/c/local/sandboxes/%ff/files',
  '/c/local/sandboxes/__proto__',
  '/c/local/sandboxes/%2e%2e',
  '/c/__proto__/sandboxes/x',
  '/c/%ff/sandboxes/x/console',
  '/c/local%2fx/sandboxes/x',
  '/c//sandboxes/x',
  '/operations/%00',
  '/operations/access?before=x&by=%00',
  '/operations?since=-1&until=999999999999999999999',
  '/sandboxes?q=%22%22%22&sort=__proto__&columns=constructor',
  '/sign-in?token=%ff',
  '/sign-in?token=a&token=b',
  '/live',
  '/live?x=%',
  '/_next/image?url=http://localhost/',
  '/_next/static/%2e%2e/%2e%2e/server.mjs',
  '/_next/static/chunks/%ff.js',
  '/_next/data/x.json',
  '/api/fleet/local',
  '/api/fleet/__proto__',
  '/api/fleet/%ff',
  '/api/c/constructor/templates',
  '/api/c/%00/templates',
  '/api/operations/x/archives/local.%00',
  '/api/operations/x/archives/__proto__.x',
  '/api/operations/x/runs/%ff/x',
  '/api/health',
  '/api/nowhere',
  '/api/live?topic=fleet%20local',
  '/api/live?topic=connections',
  '/api/live?topic=__proto__',
  '/api/operations/__proto__',
  '/api/operations/x/items?format=constructor',
  '/api/c/local/sandboxes/x/files/content?path=%00&as=download',
  '/api/c/local/sandboxes/%00/files/content?path=/&as=image',
  '/api/c/local/sandboxes/x/files/__proto__',
  '/api/c/local/sandboxes/x/files/archive?path=/&format=zip&progress=%00',
  '/api/c/local/sandboxes/x/files/list?path=%ff%fe',
  '/api/c/local/sandboxes/x/files/search?path=/&text=%0a&in=name',
  `/${'a'.repeat(8_000)}`,
  '/api/c/%00/sandboxes/x/files/content?path=/&as=image',
  '/api/c/__proto__/sandboxes/x/files/archive?path=/&format=zip',
  `/api/c/${'%41'.repeat(3_000)}/sandboxes/x/files/list`,
  `/api/c/local/sandboxes/${'%41'.repeat(3_000)}/files/list`,
  `/?${'a=b&'.repeat(4_000)}`,
  `/${'/'.repeat(3_000)}`,
  `/${'%2f..'.repeat(500)}`,
] as const;
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/9.9',
  'HTTQ/1.1',
  '',
];
const BODIES = [
  '',
  'x',
  '{}',
  '[]',
  '["$Q1"]',
  '["$@1"]',
  '{"length":1e9}',
  '\0\0\0',
  '['.repeat(20_000),
  `--x\r\n\r\n--x--`,
  '--x\r\nContent-Disposition: form-data; name="$ACTION_ID_00"\r\n\r\n\r\n--x--\r\n',
  '--x\r\nContent-Disposition: form-data; name="$ACTION_REF_1"\r\n\r\n\r\n--x\r\nContent-Disposition: form-data; name="$ACTION_1:0"\r\n\r\n{"id":"x","bound":"$@1"}\r\n--x--\r\n',
  'zz\r\nx\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '5\r\nhello\r\n0\r\nx: y\r\n\r\n',
  '-1\r\n',
];

function headersOf({ of, below }: Random, host: string, cookies: readonly string[]): string[] {
  const pool: (() => string)[] = [
    () => `cookie: ${of(cookies)}`,
    () => `cookie: ${of(cookies)}; %=%; =; a; ${'b=%E0%A4%A; '.repeat(below(50))}`,
    () =>
      `origin: ${of([`http://${host}`, 'null', 'http://[', 'x', 'http://evil.example', '\u0001', `http://${host}\u0000`])}`,
    () =>
      `next-action: ${of(['', 'x', '40'.repeat(21), '00'.repeat(21), 'ff'.repeat(21), '__proto__', 'a'.repeat(5_000)])}`,
    () =>
      `content-type: ${of(['text/plain', 'multipart/form-data', 'multipart/form-data; boundary=x', 'multipart/form-data; boundary=', 'application/x-www-form-urlencoded', ';;;', 'application/json'])}`,
    () => `content-length: ${of(['0', '1', '5', '-1', '1e3', '99999999999999999999', '4096', ' ', '0x10'])}`,
    () => `transfer-encoding: ${of(['chunked', 'gzip', 'chunked, chunked', 'identity', 'xchunked'])}`,
    () =>
      `range: ${of(['bytes=0-', 'bytes=-', 'bytes=-0', 'bytes=9999999999999999-1', 'bytes=1-0', 'bytes=a-b', 'lines=1-2', `bytes=${'0-1,'.repeat(2_000)}`])}`,
    () => `if-range: ${of(['"x"', 'W/"', 'Thu, 99 Foo 0000', ''])}`,
    () => `if-none-match: ${of(['*', '"', 'W/"x', '""'])}`,
    () => `expect: ${of(['100-continue', '200-ok', ''])}`,
    () => `connection: ${of(['upgrade', 'close', 'keep-alive', 'upgrade, x', 'transfer-encoding'])}`,
    () => `upgrade: ${of(['websocket', 'h2c', 'x', ''])}`,
    () => `sec-websocket-key: ${of(['', 'x', 'dGhlIHNhbXBsZSBub25jZQ=='])}`,
    () => `sec-websocket-version: ${of(['13', '0', '99', 'x'])}`,
    () =>
      `sec-websocket-extensions: ${of(['permessage-deflate; server_max_window_bits=999', ';;;', 'x'.repeat(999)])}`,
    () => `rsc: ${of(['1', 'x'])}`,
    () =>
      `next-router-state-tree: ${of(['%', '%5B%5D', 'null', '{}', '[["",{}]]', '%7B', 'x'.repeat(9_000)])}`,
    () => `next-router-prefetch: ${of(['1', '2', 'x'])}`,
    () => `next-router-segment-prefetch: ${of(['/_tree', '/%', 'x', '/../..'])}`,
    () => `next-url: ${of(['/%', '//', 'x', '/sandboxes/%ff', '/c/%ff/sandboxes/x'])}`,
    () => `x-forwarded-for: ${of(['', ',,,', '1.1.1.1', '::1', 'x'.repeat(2_000)])}`,
    () => `x-forwarded-host: ${of(['evil.example', '[', ''])}`,
    () => `x-middleware-subrequest: ${of(['middleware', 'src/middleware', 'x:x:x:x:x'])}`,
    () => `x-action-forwarded: 1`,
    () => `x-nextjs-data: 1`,
    () => `accept-encoding: ${of(['gzip', 'br;q=x', '*;q=9', ''])}`,
    () => `x-${'a'.repeat(below(200))}: ${'b'.repeat(below(2_000))}`,
    () => `bad header${below(9)}: x`,
    () => `x-binary: \u0080\u00ff\u0007`,
    () => ': no name',
    () => 'no colon',
    () => ` folded: ${below(9)}`,
  ];
  return Array.from({ length: below(7) }, () => of(pool)());
}

/** The bytes of a request, whole or cut off. `host`: the one of the server. `cookies`: some valid, some not. */
export function requestOf(random: Random, host: string, cookies: readonly string[]): Buffer {
  const { of, below } = random;
  if (below(25) === 0) return randomBytes(1 + below(400));
  const hosts = [
    `host: ${host}`,
    `host: ${host}`,
    `host: ${host}`,
    `host: ${host}`,
    `host: ${host}`,
    `host: ${host}\r\nhost: x`,
    'host: ',
    'host: [',
    'host: evil.example',
    'x: y',
  ];
  const lines = [
    [of(METHODS), of(PATHS), of(VERSIONS)].join(' '),
    of(hosts),
    ...headersOf(random, host, cookies),
    // Most answers end their connection, so that nothing waits for the next request.
    ...(below(10) === 0 ? [] : ['connection: close']),
  ];
  const text = `${lines.join('\r\n')}\r\n\r\n${of(BODIES)}`;
  const whole = Buffer.from(text, 'latin1');
  return below(8) === 0 ? whole.subarray(0, below(whole.length)) : whole;
}
