import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../test-support/runs';
import { OutputRing } from './ring';

const SLACK_BYTES = 2 * 64 * 1024;

/** Reads everything from `offset` on, in pieces of at most `maxBytes`. */
function readAll(ring: OutputRing, offset: number, maxBytes = 10_000): Buffer {
  const pieces: Buffer[] = [];
  for (let at = offset; at < ring.end; ) {
    const piece = ring.read(at, maxBytes);
    expect(piece.length).toBeGreaterThan(0);
    pieces.push(Buffer.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

describe('OutputRing', () => {
  it('returns exactly the latest bytes, however they are appended and read', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 70_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        pieces,
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 80_000 }),
        (appended, size, maxBytes) => {
          const dropped: Buffer[] = [];
          const ring = new OutputRing(size, (bytes) => dropped.push(Buffer.from(bytes)));
          for (const bytes of appended) {
            ring.append(bytes);
            expect(ring.end - ring.start).toBeLessThanOrEqual(size + SLACK_BYTES);
          }
          const whole = Buffer.concat(appended);
          expect(ring.end).toBe(whole.length);
          expect(readAll(ring, ring.start, maxBytes).equals(whole.subarray(ring.start))).toBe(true);
          expect(Buffer.concat(dropped).equals(whole.subarray(0, ring.start))).toBe(true);
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('starts at a line after it was trimmed', () => {
    const ring = new OutputRing(100_000);
    for (let at = 0; at < 40_000; at += 1) ring.append(Buffer.from(`line ${at}\n`));
    expect(ring.start).toBeGreaterThan(0);
    expect(readAll(ring, ring.start).toString()).toMatch(/^line \d+\n/);
    expect(readAll(ring, ring.start).toString().endsWith('line 39999\n')).toBe(true);
  });

  it('splits an endless line', () => {
    const ring = new OutputRing(100_000);
    ring.append(Buffer.alloc(5_000_000, 0x78));
    expect(ring.end - ring.start).toBeLessThanOrEqual(100_000 + SLACK_BYTES);
    expect(ring.end - ring.start).toBeGreaterThanOrEqual(100_000);
  });

  it('throws for an offset that it does not hold', () => {
    const ring = new OutputRing(1_000);
    ring.append(Buffer.alloc(500_000));
    expect(() => ring.read(0, 10)).toThrow(RangeError);
    expect(() => ring.read(ring.end + 1, 10)).toThrow(RangeError);
    expect(ring.read(ring.end, 10)).toHaveLength(0);
  });
});
