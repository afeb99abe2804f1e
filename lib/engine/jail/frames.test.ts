import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameKind, FrameReader } from './frames';
import { TextChunks } from './text-chunks';

describe('frames', () => {
  const frames = fc.array(
    fc.record({
      kind: fc.constantFrom(...Object.values(FrameKind)),
      subject: fc.integer({ min: 0, max: 0xffff_ffff }),
      payload: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 8 },
  );

  test('round-trip for any split of the bytes', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 64 }), (sent, size) => {
        const bytes = Buffer.concat(
          sent.map(({ kind, subject, payload }) => encodeFrame(kind, subject, payload)),
        );
        const reader = new FrameReader(1_000);
        const received = [];
        for (let from = 0; from < bytes.length; from += size) {
          received.push(...reader.read(bytes.subarray(from, from + size)));
        }
        expect(received).toEqual(sent);
      }),
    );
  });

  test('rejects invalid lengths', () => {
    const claim = (length: number) => {
      const head = Buffer.alloc(9);
      head.writeUInt32BE(length, 0);
      return head;
    };
    expect(() => new FrameReader(1_000).read(claim(1_006))).toThrow(RangeError);
    expect(() => new FrameReader(1_000).read(claim(0xffff_ffff))).toThrow(RangeError);
    expect(() => new FrameReader(1_000).read(claim(4))).toThrow(RangeError);
    expect(new FrameReader(1_000).read(claim(1_005))).toEqual([]);
  });
});

describe('text chunks', () => {
  const cutAll = (bytes: Buffer, size: number, maxBytes: number) => {
    const chunks = new TextChunks(maxBytes);
    const out: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += size)
      out.push(...chunks.cut(bytes.subarray(from, from + size)));
    return [...out, ...chunks.flush()];
  };

  test('preserve arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        const chunks = cutAll(Buffer.from(bytes), size, 16);
        expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
        expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= 16 + 3)).toBe(true);
      }),
    );
  });

  test('end at character boundaries for any split of the bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (text, size) => {
          const chunks = cutAll(Buffer.from(text), size, 16);
          expect(chunks.map((chunk) => chunk.toString('utf8')).join('')).toBe(text);
          expect(
            chunks.every((chunk) => !chunk.toString('utf8').includes('\ufffd') || text.includes('\ufffd')),
          ).toBe(true);
        },
      ),
    );
  });
});
