import { expect, it } from 'vitest';
import type { ErrorCode } from '../errors';
import { NOTHING_READ } from './delta';
import { currencyOf, statusWords } from './status-words';

const NOW_MS = 1_000_000;
const seconds = (ms: number) => `${ms / 1_000}s`;
const failing = (code: ErrorCode) => ({ code, message: 'A sentence.' });

it.each([
  [null, null, 'loading', 'loading…'],
  [2_000, null, 'current', 'as of 2s ago'],
  // A reading in progress has no age.
  [0, null, 'current', 'as of 1s ago'],
  [40_000, null, 'old', 'as of 40s ago'],
  [40_000, failing('unavailable'), 'failing', 'as of 40s ago, API unreachable'],
  [2_000, failing('rate_limited'), 'failing', 'as of 2s ago, API limits requests'],
  [null, failing('unauthenticated'), 'failing', 'not read yet, key refused'],
  [null, failing('timeout'), 'failing', 'not read yet, API does not answer'],
  [2_000, failing('unexpected'), 'failing', 'as of 2s ago, API failing'],
] as const)('of a list read %s ms ago with the problem %j says %s: %s', (ageMs, problem, currency, words) => {
  const status = { ...NOTHING_READ, asOfMs: ageMs === null ? null : NOW_MS - ageMs, problem };
  expect(currencyOf(status, NOW_MS)).toBe(currency);
  expect(statusWords(status, NOW_MS, seconds)).toBe(words);
});
