import { expect, it } from 'vitest';
import { formatDuration } from './duration';

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
