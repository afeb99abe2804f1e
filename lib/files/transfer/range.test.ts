import { expect, it } from 'vitest';
import { readRange } from './range';

it.each([
  [null, 'whole'],
  ['', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=0-', { start: 0, end: 99 }],
  ['bytes=10-19', { start: 10, end: 19 }],
  ['bytes=10-1000', { start: 10, end: 99 }],
  ['bytes=-10', { start: 90, end: 99 }],
  ['bytes=-1000', { start: 0, end: 99 }],
  ['bytes=99-', { start: 99, end: 99 }],
  ['bytes=100-', 'outside'],
  ['bytes=-0', 'outside'],
  ['bytes=20-10', 'whole'],
  ['bytes=0-1,4-5', 'whole'],
  ['lines=0-1', 'whole'],
  ['bytes=0x1-', 'whole'],
] as const)('parses %j for 100 bytes as %j', (header, range) => {
  expect(readRange(header, 100)).toEqual(range);
});

it('sends an empty file whole', () => {
  expect(readRange('bytes=0-', 0)).toBe('whole');
  expect(readRange('bytes=-1', 0)).toBe('whole');
});
