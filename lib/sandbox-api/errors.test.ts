import { expect, it } from 'vitest';
import { parseRetryAfter } from './errors';

const NOW = 'Wed, 21 Oct 2026 07:28:00 GMT';

it.each([
  [null, undefined],
  ['2', 2_000],
  [' 120 ', 120_000],
  ['86400', 86_400_000],
  ['0', 0],
  ['-5', 0],
  ['1e9', 0],
  ['0x10', 0],
  ['', 0],
  ['soon', 0],
  ['Infinity', 0],
  ['99999999999999999999', 0],
  ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['Wed, 21 Oct 2026 25:99:00 GMT', 0],
])('parses Retry-After %j on the clock of the service', (text, ms) => {
  expect(parseRetryAfter(text, Date.parse(NOW))).toBe(ms);
});
