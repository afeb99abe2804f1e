import { expect, it } from 'vitest';
import { formatCountdown, formatDuration, formatSpan, formatTook } from './duration';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each([
  [-5 * MINUTE, '0s'],
  [0, '0s'],
  [999, '0s'],
  [SECOND, '1s'],
  [59 * SECOND + 999, '59s'],
  [MINUTE, '1m 00s'],
  [9 * MINUTE + 5 * SECOND, '9m 05s'],
  [HOUR - 1, '59m 59s'],
  [2 * HOUR + 5 * MINUTE + 59 * SECOND, '2h 05m'],
  [DAY, '1d 00h'],
  [3 * DAY + 4 * HOUR, '3d 04h'],
  [400 * DAY, '400d 00h'],
])('%i ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it.each([
  [-1, '0 ms'],
  [80.4, '80 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [1_249, '1.2 s'],
  [9_999, '9.9 s'],
  [10_000, '10 s'],
  [125_000, '2m 05s'],
])('says that %d ms took %s', (ms, text) => expect(formatTook(ms)).toBe(text));

it.each([
  [0, '0 s'],
  [10 * SECOND, '10 s'],
  [15 * MINUTE, '15 min'],
  [HOUR + 30 * MINUTE, '1 h 30 min'],
  [DAY, '1 d'],
])('%i ms are spelt %s', (ms, text) => expect(formatSpan(ms)).toBe(text));

it('formats a countdown as minutes and seconds, with hours if needed', () => {
  const shown = [-5, 0, 1, 1_000, 59_001, 60_000, 272_000, 3_599_000, 3_600_000, 3_872_000].map(
    formatCountdown,
  );
  expect(shown).toEqual([
    '0:00',
    '0:00',
    '0:01',
    '0:01',
    '1:00',
    '1:00',
    '4:32',
    '59:59',
    '1:00:00',
    '1:04:32',
  ]);
});
