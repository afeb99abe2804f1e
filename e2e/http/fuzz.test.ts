import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { CHANNELS } from '../../lib/live/protocol';
import { Sandkeeper } from '../support/deployment';
import { ask, openLive } from '../support/http';

/** Hostile requests and frames. None of them may end the server, reach an unguarded throw, or stay open. */

const INPUTS = process.env.TEST_LONG ? 10_000 : 600;
/** Every fifth input is a live socket with ten frames. */
const FRAMES_EACH = 10;
const AT_A_TIME = 60;
const DEADLINE_MS = 500;
/** For a busy machine that renders many pages at a time. */
const SLACK_MS = 90_000;
/** `FUZZ_SEED=… npm run http -- fuzz` repeats a run. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

type Random = {
  below: (limit: number) => number;
  of: <T>(choices: readonly T[]) => T;
};

/** Numbers with a seed (mulberry32). */
function randomFrom(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, of: (choices) => choices[below(choices.length)] as (typeof choices)[number] };
}

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

function requestOf(random: Random, host: string, cookies: readonly string[]): Buffer {
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

const NAMES = [...CHANNELS, '__proto__', 'constructor', '', 7, null];
const KEYS = [
  'x',
  '',
  ' ',
  'x y z',
  '__proto__',
  'constructor',
  '\0',
  '\ud800',
  'x'.repeat(4_400),
  'x'.repeat(4_401),
  '../..',
  'local',
  'local/i1',
  'local/i1 /etc',
  'local/i1 1 x',
  '/i1 /etc',
  'local/ 1 x',
  'i1 /etc',
  7,
  null,
  {},
  [],
];
const PAYLOADS: readonly unknown[] = [
  undefined,
  null,
  7,
  '',
  'x',
  [],
  {},
  { kind: '__proto__' },
  { type: 'attach', size: { cols: -1, rows: 1e308 } },
  { offset: -1 },
  { offset: 2 ** 53, acked: Number.NaN },
  { constructor: { prototype: 1 } },
  'x'.repeat(6_000),
];

/** A frame of the protocol, or something like it. */
function frameOf({ of, below }: Random): string | Uint8Array {
  if (below(4) === 0) {
    const topic = Buffer.from(JSON.stringify({ channel: of(NAMES), key: of(KEYS) }));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(of([topic.length, 0, 1, 65_535, topic.length + 1]));
    return Buffer.concat([length, topic, randomBytes(below(200))]);
  }
  if (below(6) === 0)
    return of([
      '',
      '{',
      'null',
      '[]',
      '7',
      '"x"',
      '{"type":"ping"}',
      '['.repeat(8_000),
      '{"type":"__proto__"}',
      randomBytes(below(500)),
    ]);
  return JSON.stringify({
    type: of(['subscribe', 'subscribe', 'unsubscribe', 'message', 'ping', 'x']),
    channel: of(NAMES),
    key: of(KEYS),
    payload: of(PAYLOADS),
  });
}

/** A WebSocket frame that breaks the protocol itself. */
function brokenFrame({ of, below }: Random): Buffer {
  return of([
    Buffer.from([0x81, 0x05, 0x68]),
    Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
    Buffer.from([0x89, 0xfe, 0xff, 0xff]),
    Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe7]),
    Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]),
    Buffer.from([0x00, 0x80, 0, 0, 0, 0]),
    randomBytes(1 + below(300)),
  ]);
}

test(`survives ${INPUTS} hostile requests and frames and leaves none open`, {
  timeout: process.env.TEST_LONG ? 1_800_000 : 600_000,
}, async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const random = randomFrom(SEED);
  const sandkeeper = await Sandkeeper.open({
    env: {
      SANDKEEPER_HEADER_TIMEOUT_MS: String(DEADLINE_MS),
      SANDKEEPER_BODY_TIMEOUT_MS: String(DEADLINE_MS),
    },
  });
  try {
    const { pid, port } = sandkeeper;
    const host = `localhost:${port}`;
    const { admin, viewer } = await sandkeeper.openSessions();
    const name = sandkeeper.sessionCookieName;
    const cookies = [
      `${name}=${admin}`,
      `${name}=${viewer}`,
      `${name}=%E0%A4%A`,
      `${name}=x.y`,
      `${name}=${'a'.repeat(9_000)}`,
      `${name}="`,
    ];
    const left: string[] = [];

    /** Sends bytes. Fails for a connection that is neither answered nor closed in time. */
    const sendBytes = (bytes: Buffer, then: (write: (more: Buffer) => void) => void = () => {}) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        const timer = setTimeout(() => {
          left.push(bytes.toString('latin1').slice(0, 300));
          socket.destroy();
        }, DEADLINE_MS + SLACK_MS);
        socket.on('error', () => {});
        socket.on('connect', () => socket.write(bytes));
        socket.once('data', () => {
          then((more) => socket.write(more));
          setTimeout(() => socket.destroy(), 20);
        });
        socket.on('close', () => {
          clearTimeout(timer);
          resolve();
        });
      });

    const talk = async () => {
      const live = await openLive(sandkeeper, { origin: sandkeeper.url, cookie: `${name}=${admin}` });
      // Its head came too late, or too many sockets are open.
      if ([408, 429, 503].includes(live.status)) return;
      expect(live.status).toBe(101);
      for (let frame = 0; frame < FRAMES_EACH; frame += 1) live.sendRaw(frameOf(random));
      await new Promise((resolve) => setTimeout(resolve, 30));
      live.close();
      await live.closed;
    };
    const breakFrames = () => {
      const upgrade = [
        `GET /live HTTP/1.1`,
        `host: ${host}`,
        `origin: http://${host}`,
        `cookie: ${name}=${admin}`,
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      ];
      return sendBytes(Buffer.from(`${upgrade.join('\r\n')}\r\n\r\n`), (write) => write(brokenFrame(random)));
    };

    let sent = 0;
    const work = async () => {
      while (sent < INPUTS) {
        const turn = random.below(25);
        sent += turn === 0 ? FRAMES_EACH : 1;
        if (turn === 0) await talk();
        else if (turn < 3) await breakFrames();
        else await sendBytes(requestOf(random, host, cookies));
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    console.log(`${sent} inputs in ${Math.round(performance.now() - startedMs)} ms`);

    expect(left).toEqual([]);
    expect(sandkeeper.pid).toBe(pid);
    expect((await ask(sandkeeper, '/api/health')).status).toBe(200);
    expect(sandkeeper.log()).not.toMatch(
      /An unexpected error|A request failed|on a live socket failed|TypeError|RangeError/,
    );
  } finally {
    await sandkeeper.close();
  }
});
