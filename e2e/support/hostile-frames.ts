import { randomBytes } from 'node:crypto';
import { CHANNELS } from '../../lib/live/protocol';
import type { Random } from '../../lib/test-support/random';

/** Frames of a live socket that break its protocol, or WebSocket itself. */

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
export function frameOf({ of, below }: Random): string | Uint8Array {
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
export function brokenFrame({ of, below }: Random): Buffer {
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
