import { describe, expect, it } from 'vitest';
import { CHANNELS, parseClientFrame, parseServerFrame, type ServerFrame } from './protocol';

describe('parseClientFrame', () => {
  it('reads what a browser may say', () => {
    expect(parseClientFrame('{"type":"ping"}')).toEqual({ type: 'ping' });
    for (const channel of CHANNELS) {
      for (const type of ['subscribe', 'unsubscribe'] as const) {
        expect(parseClientFrame(JSON.stringify({ type, channel, extra: 1 }))).toEqual({ type, channel });
      }
    }
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
    '{"type":"subscribe","channel":["fleet"]}',
    '{"type":"event","channel":"fleet"}',
    '{"type":"ping"',
  ])('takes %j for no frame', (text) => {
    expect(parseClientFrame(text)).toBeNull();
  });

  it('does not even read a long one', () => {
    expect(parseClientFrame(JSON.stringify({ type: 'ping', padding: 'x'.repeat(5_000) }))).toBeNull();
  });
});

describe('parseServerFrame', () => {
  it.each<ServerFrame>([
    { type: 'pong' },
    { type: 'lost', channel: 'fleet' },
    { type: 'event', channel: 'operations', payload: { any: ['thing'] } },
  ])('reads %j', (frame) => {
    expect(parseServerFrame(JSON.stringify(frame))).toEqual(frame);
  });

  it.each(['', 'null', '{}', '{"type":"event"}', '{"type":"event","channel":"x"}', '{"channel":"fleet"}'])(
    'takes %j for no frame',
    (text) => expect(parseServerFrame(text)).toBeNull(),
  );
});
