import { expect, it } from 'vitest';
import { exactBytes, formatBytes } from './bytes';

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [10_240, '10 KB'],
  [1_048_575, '1 MB'],
  [2_516_582, '2.4 MB'],
  [2 * 1024 ** 3, '2 GB'],
  [5 * 1024 ** 6, '5120 PB'],
])('%d is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it('formats the exact count', () => {
  expect(exactBytes(1)).toBe('1 byte');
  expect(exactBytes(1_234_567)).toBe('1,234,567 bytes');
});
