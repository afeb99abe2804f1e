import { expect, it } from 'vitest';
import { delayOf, parseRetryAfter } from './rate-headers';

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

const NOTHING = { retryAfter: null, remaining: null, reset: null, date: NOW };
const NOW_S = Date.parse(NOW) / 1_000;

it.each([
  ['nothing', 429, {}, undefined, false],
  ['Retry-After', 429, { retryAfter: '3' }, 3_000, true],
  ['Retry-After before RateLimit-Reset', 429, { retryAfter: '3', remaining: '0', reset: '60' }, 3_000, true],
  ['RateLimit-Reset', 429, { remaining: '0', reset: '9' }, 9_000, true],
  ['RateLimit-Reset alone', 503, { reset: '9' }, 9_000, true],
  ['RateLimit-Reset as a time', 429, { remaining: '0', reset: `${NOW_S + 30}` }, 30_000, true],
  ['requests that are left', 429, { remaining: '12', reset: '9' }, undefined, false],
  ['RateLimit-Reset of another status', 409, { remaining: '0', reset: '9' }, undefined, false],
  ['a reset that is no number', 429, { remaining: '0', reset: 'soon' }, undefined, false],
])('reads when to come back from %s', (_, status, headers, retryAfterMs, isLimited) => {
  expect(delayOf(status, { ...NOTHING, ...headers })).toEqual({ retryAfterMs, isLimited });
});
