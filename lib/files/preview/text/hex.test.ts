import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hexLine, hexOffset, parseOffset, ScaledScroll } from './hex';

test('formats a line', () => {
  expect(hexLine(Uint8Array.from([0, 0x41, 0xff, 0x7e, 0x7f]))).toEqual({
    hex: `00 41 ff 7e 7f${' '.repeat(34)}`,
    ascii: '·A·~·',
  });
  expect(hexLine(Buffer.from('0123456789abcdef')).hex).toHaveLength(48);
});

test('formats and parses offsets', () => {
  expect(hexOffset(255, 1000)).toBe('000000ff');
  expect(hexOffset(1, 2 ** 40)).toBe('00000000001');
  expect(['0x1f', '1fh', '4,096', ' 7 ', '', 'x', '-1', '0x', 'ff'].map(parseOffset)).toEqual([
    ...[31, 31, 4096, 7],
    ...[null, null, null, null, null],
  ]);
});

test('reaches the first and the last line', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 36 }),
      fc.integer({ min: 40, max: 2_000 }),
      (lines, windowPx) => {
        const scroll = new ScaledScroll(lines, 20);
        const last = scroll.lastTop(windowPx);
        expect(scroll.lineAt(0, windowPx)).toBe(0);
        expect(scroll.lineAt(Math.max(0, scroll.heightPx - windowPx), windowPx)).toBeGreaterThanOrEqual(
          last - 1,
        );
        expect(scroll.lineAt(scroll.scrollTopOf(last, windowPx), windowPx)).toBe(last);
        expect(scroll.heightPx).toBeLessThanOrEqual(8_000_000);
      },
    ),
  );
});
