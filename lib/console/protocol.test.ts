import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ConsoleJoin,
  ConsoleMessage,
  MAX_INPUT_BYTES,
  packInput,
  packOutput,
  unpackInput,
  unpackOutput,
} from './protocol';

describe('binary frames', () => {
  it('carry any bytes unchanged, at any offset in memory', () => {
    fc.assert(
      fc.property(
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.uint8Array({ maxLength: 2_000 }),
        fc.nat(9),
        (offset, bytes, shift) => {
          const frame = packOutput(offset, bytes);
          const elsewhere = new Uint8Array(shift + frame.length);
          elsewhere.set(frame, shift);
          expect(unpackOutput(elsewhere.subarray(shift))).toEqual({ offset, bytes });
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.uint8Array({ minLength: 1 }),
        (seq, after, bytes) => {
          const input = { seq, after, bytes };
          expect(unpackInput(packInput(input))).toEqual(input);
        },
      ),
    );
  });

  it('are rejected if malformed', () => {
    for (const frame of [
      new Uint8Array(),
      new Uint8Array(3),
      packInput({ seq: 0, after: 0, bytes: new Uint8Array(2) }),
      packInput({ seq: 1, after: 0, bytes: new Uint8Array() }),
    ])
      expect(unpackInput(frame)).toBeNull();
    expect(
      unpackInput(packInput({ seq: 1, after: 0, bytes: new Uint8Array(MAX_INPUT_BYTES + 1) })),
    ).toBeNull();
    expect(unpackOutput(new Uint8Array(7))).toBeNull();
    for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(unpackOutput(packOutput(offset, new Uint8Array(1)))).toBeNull();
  });
});

describe('messages', () => {
  it('are parsed strictly', () => {
    const size = { cols: 80, rows: 24 };
    expect(ConsoleMessage.safeParse({ kind: 'resize', size }).success).toBe(true);
    for (const message of [
      { kind: 'resize', size: { cols: 0, rows: 24 } },
      { kind: 'resize', size: { cols: 80, rows: 100_000 } },
      { kind: 'resize', size: { ...size, more: 1 } },
      { kind: 'ack', offset: -1 },
      { kind: 'ack', offset: 1.5 },
      { kind: 'end' },
      null,
      'ack',
    ])
      expect(ConsoleMessage.safeParse(message).success).toBe(false);
    expect(ConsoleJoin.safeParse({ client: 'tab-1234', offset: 0, size: null }).success).toBe(true);
    for (const join of [
      undefined,
      {},
      { client: 'x', offset: 0, size },
      { client: 'tab-1234', offset: '0', size },
    ])
      expect(ConsoleJoin.safeParse(join).success).toBe(false);
  });
});
