import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Random, randomFrom } from './random';

const NESTED = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
const BOMB = gzipSync(Buffer.alloc(32 * 1024 * 1024));
const VALUES = [
  'null',
  '0',
  '-1',
  '1e308',
  '1e999',
  'NaN',
  '"x"',
  '[]',
  '{}',
  'true',
  '""',
  '"2026-01-01T00:00:00Z"',
  '"-271821-04-20T00:00:00Z"',
  '9007199254740993',
  '"constructor"',
  '"__proto__"',
  '{"__proto__":"x","constructor":"y"}',
  '["running"]',
  '"\\u0000\\ud800"',
  NESTED,
  '18446744073709551616',
] as const;

function row(random: Random): string {
  const value = () => random.of(VALUES);
  return `{"sandboxID":${random.of(['"i0"', '"i0"', value()])},"templateID":${value()},"state":${value()},"metadata":${value()},"startedAt":${value()},"endAt":${value()},"cpuCount":${value()},"memoryMB":${value()},"alias":${value()},"maxRunning":${value()},"message":${value()},"code":${value()}}`;
}

/** The JSON of an answer to a call to envd. */
function envdMessage(random: Random): string {
  const value = () => random.of(VALUES);
  return random.of([
    `{"entries":[{"name":${value()},"size":${value()},"type":${value()},"permissions":${value()},"modifiedTime":${value()}},${value()}]}`,
    `{"entry":{"name":"a","size":${value()},"permissions":"-rw-r--r--","modifiedTime":${value()},"symlinkTarget":${value()}}}`,
    `{"processes":[{"pid":${value()},"config":${value()}},${value()}]}`,
    `{"event":{"start":{"pid":${value()}}}}`,
    `{"event":{"data":{"stdout":"aGVsbG8=","pty":"="}}}`,
    `{"event":{"end":{"exitCode":${value()},"status":${value()}}}}`,
    `{"event":${value()}}`,
    `{"start":{},"filesystem":{"name":${value()}}}`,
    `{"error":${value()}}`,
    `{"code":${value()},"message":${value()}}`,
    value(),
  ]);
}

function frames(random: Random): Buffer {
  const count = 1 + random.below(6);
  const parts = Array.from({ length: count }, () => {
    const body = random.below(10) === 0 ? random.bytes(50) : Buffer.from(envdMessage(random));
    const head = Buffer.alloc(5);
    head.writeUInt8(random.of([0, 0, 0, 0, 2, 2, 1, 128, 255]), 0);
    head.writeUInt32BE(random.of([body.length, body.length, body.length, body.length, 0xffff_ffff, 0, 1]), 1);
    return Buffer.concat([head, body]);
  });
  return Buffer.concat(parts);
}

function bodyOf(random: Random): Buffer {
  return random.of([
    () => Buffer.from(`[${Array.from({ length: random.below(5) }, () => row(random)).join(',')}]`),
    () => Buffer.from(row(random)),
    () => Buffer.from(row(random).slice(0, random.below(300))),
    () => Buffer.from(envdMessage(random)),
    () => Buffer.from(envdMessage(random)),
    () => frames(random),
    () => frames(random),
    () => frames(random),
    () => random.bytes(300),
    () => Buffer.from(random.of(VALUES)),
    () => Buffer.alloc(0),
  ])();
}

function headOf(random: Random): string {
  const status = random.of([
    '200 OK',
    '200 OK',
    '200 OK',
    '200 OK',
    '201 Made',
    '204 None',
    '206 Part',
    '205 Reset',
    '304 Same',
    '099 Low',
    '000',
    '999 High',
    '600 x',
    '301 Moved',
    '307 Moved',
    '100 Continue',
    '103 Hints',
    '101 Switching',
    '401 No',
    '403 No',
    '404 None',
    '409 Busy',
    '416 Range',
    '423 Held',
    '425 Early',
    '429 Slow',
    '500 Bad',
    '503 Busy',
    '507 Full',
    '-1',
    'abc',
    '20',
    '2000',
    `${100 + random.below(900)} x`,
    '200 \x01\x7f',
  ]);
  const headers = Array.from({ length: random.below(4) }, () =>
    random.of([
      'x-next-token: a',
      'x-next-token: \xff',
      'retry-after: -1',
      'retry-after: 1e999',
      'retry-after: soon',
      'retry-after: 99999999999999999999',
      'location: http://127.0.0.1:1/',
      'content-encoding: gzip',
      'content-range: bytes 5-1/9',
      'content-range: bytes 0-9/99999999999999999999',
      'content-range: bytes */x',
      '__proto__: x',
      'constructor: y',
      'set-cookie: a=b',
      'date: nonsense',
      'date: Fri, 31 Dec 9999 23:59:59 GMT',
      'content-type: text/html',
      `x-long: ${'y'.repeat(20_000)}`,
      'x: \x00',
      'broken header',
      ': empty',
      'trailer: x',
      'connection: upgrade',
      'upgrade: x',
    ]),
  );
  return `HTTP/1.1 ${status}\r\n${headers.map((header) => `${header}\r\n`).join('')}`;
}

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** Sends an answer made from `seed`: good, broken or endless. */
export function sendHostileAnswer(socket: Socket, seed: number): void {
  const random = randomFrom(seed);
  const head = headOf(random);
  const body = bodyOf(random);
  const write = (...parts: (string | Buffer)[]) => {
    for (const part of parts) socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  };
  const endless = (piece: Buffer, everyMs: number) => {
    const timer = setInterval(() => socket.write(piece), everyMs);
    socket.once('close', () => clearInterval(timer));
  };
  random.of([
    () => write(head, `content-length: ${body.length}\r\n\r\n`, body),
    () => write(head, `content-length: ${body.length}\r\n\r\n`, body),
    () => write('HTTP/1.1 200 OK\r\n', `content-length: ${body.length}\r\n\r\n`, body),
    () =>
      write('HTTP/1.1 200 OK\r\n', 'transfer-encoding: chunked\r\n\r\n', chunked(body, 1 + random.below(9))),
    () => write(head, 'transfer-encoding: chunked\r\n\r\n', chunked(body, 7)),
    () => write(head, `content-length: ${body.length + 9}\r\n\r\n`, body),
    () => {
      write(head, `content-length: ${body.length + 9}\r\n\r\n`, body);
      socket.end();
    },
    () => {
      write(head, '\r\n', body);
      socket.end();
    },
    () => {
      write(
        head,
        random.of([
          'content-length: 99999999999999999999',
          'content-length: -1',
          'content-length: 5\r\ncontent-length: 6',
          'transfer-encoding: gzip',
        ]),
        '\r\n\r\n',
        body,
      );
      socket.end();
    },
    () => {
      write(head, 'content-length: 1000\r\n\r\n', body.subarray(0, 500));
      socket.resetAndDestroy();
    },
    () =>
      write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n', `content-length: ${BOMB.length}\r\n\r\n`, BOMB),
    () => write(random.bytes(400)),
    () => {},
    () => void socket.resetAndDestroy(),
    () => {
      write('HTTP/1.1 200 OK\r\n');
      endless(Buffer.from('x-drip: 1\r\n'), 5);
    },
    () => {
      write(
        random.of(['HTTP/1.1 200 OK', 'HTTP/1.1 500 Bad', 'HTTP/1.1 404 None']),
        '\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      endless(Buffer.from('1\r\n \r\n'), 5);
    },
    () => {
      write(random.of(['HTTP/1.1 200 OK', 'HTTP/1.1 500 Bad']), '\r\ntransfer-encoding: chunked\r\n\r\n');
      endless(Buffer.from('1\r\n \r\n'.repeat(2_000)), 20);
    },
    () => {
      write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from('{}')]);
      endless(Buffer.concat([Buffer.from('7\r\n'), frame, Buffer.from('\r\n')]), 2);
    },
  ] as [() => unknown, ...(() => unknown)[]])();
}
