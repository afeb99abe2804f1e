import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHANNELS,
  packBytes,
  parseClientFrame,
  parseServerFrame,
  type ServerFrame,
  topicName,
  unpackBytes,
} from './protocol';

describe('parseClientFrame', () => {
  it('parses pings and subscriptions', () => {
    expect(parseClientFrame('{"type":"ping"}')).toEqual({ type: 'ping' });
    for (const channel of ['connections', 'operations'] as const) {
      for (const type of ['subscribe', 'unsubscribe'] as const) {
        expect(parseClientFrame(JSON.stringify({ type, channel, extra: 1 }))).toEqual({ type, channel });
      }
    }
  });

  it('requires a key for keyed channels only', () => {
    const subscribe = (topic: object) => parseClientFrame(JSON.stringify({ type: 'subscribe', ...topic }));
    expect(subscribe({ channel: 'folder', key: 'local/i /' })).toEqual({
      type: 'subscribe',
      channel: 'folder',
      key: 'local/i /',
    });
    for (const key of [undefined, '', 7, null, {}, 'x'.repeat(4_401)])
      expect(subscribe({ channel: 'folder', key })).toBeNull();
    expect(subscribe({ channel: 'connections', key: 'i' })).toBeNull();
    expect(new Set(CHANNELS.map((channel) => topicName({ channel, key: 'k' }))).size).toBe(CHANNELS.length);
  });

  it.each([
    '',
    'ping',
    'null',
    '7',
    '"ping"',
    '[]',
    '{}',
    '{"type":"pong"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","channel":"everything"}',
    '{"type":"subscribe","channel":["connections"]}',
    '{"type":"event","channel":"connections"}',
    '{"type":"ping"',
  ])('rejects %j', (text) => {
    expect(parseClientFrame(text)).toBeNull();
  });

  it('rejects a frame that is too long', () => {
    expect(parseClientFrame(JSON.stringify({ type: 'ping', padding: 'x'.repeat(9_000) }))).toBeNull();
  });
});

describe('parseServerFrame', () => {
  it.each<ServerFrame>([
    { type: 'pong' },
    { type: 'lost', channel: 'connections' },
    { type: 'event', channel: 'operations', payload: { any: ['thing'] } },
  ])('parses %j', (frame) => {
    expect(parseServerFrame(JSON.stringify(frame))).toEqual(frame);
  });

  it.each([
    '',
    'null',
    '{}',
    '{"type":"event"}',
    '{"type":"event","channel":"x"}',
    '{"channel":"connections"}',
  ])('rejects %j', (text) => expect(parseServerFrame(text)).toBeNull());
});

describe('payloads', () => {
  it('are passed on unchanged', () => {
    const topic = { channel: 'console', key: 'c1' } as const;
    const read = (frame: object) => parseClientFrame(JSON.stringify(frame));
    const message = { type: 'message', ...topic, payload: { kind: 'ack', offset: 7 } };
    expect(read(message)).toEqual(message);
    expect(read({ type: 'subscribe', ...topic, payload: { offset: 7 } })).toEqual({
      type: 'subscribe',
      ...topic,
      payload: { offset: 7 },
    });
    expect(read({ type: 'message', ...topic })).toBeNull();
    expect(read({ type: 'message', channel: 'console', payload: 1 })).toBeNull();
  });
});

describe('binary frames', () => {
  it('carry the topic and the bytes unchanged', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 40 }),
        fc.uint8Array(),
        fc.nat(5),
        (key, bytes, shift) => {
          const frame = packBytes({ channel: 'console', key }, bytes);
          const elsewhere = new Uint8Array(shift + frame.length);
          elsewhere.set(frame, shift);
          expect(unpackBytes(elsewhere.subarray(shift))).toEqual({
            topic: { channel: 'console', key },
            bytes,
          });
        },
      ),
    );
  });

  it('without a valid topic are rejected', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (frame) => unpackBytes(frame) === null));
    const frame = packBytes({ channel: 'console', key: 'c1' }, new Uint8Array(3));
    for (const length of [0, 1, 2, 20]) expect(unpackBytes(frame.subarray(0, length))).toBeNull();
    expect(unpackBytes(packBytes({ channel: 'connections', key: 'f' }, new Uint8Array()))).toBeNull();
  });
});
