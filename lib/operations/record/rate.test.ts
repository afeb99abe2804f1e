import { describe, expect, it } from 'vitest';
import { noCounts } from '../schema';
import { leftText, type ProgressSample, ratePerSecond, rateText, restMs } from './rate';

const samples = (...points: [atMs: number, final: number][]): ProgressSample[] =>
  points.map(([atMs, final]) => ({ atMs, final }));

describe('ratePerSecond', () => {
  const times = { startsAtMs: 1_000, nowMs: 3_000 };

  it('is the progress over the samples', () => {
    expect(ratePerSecond(samples([1_000, 10], [2_000, 58], [3_000, 106]), times)).toBe(48);
  });

  it('ignores the time before the first result', () => {
    expect(ratePerSecond(samples([0, 0], [900, 0], [1_000, 0], [3_000, 20]), times)).toBe(10);
  });

  it('is null before the first result or with too short an interval', () => {
    expect(ratePerSecond([], times)).toBeNull();
    expect(ratePerSecond(samples([1_000, 0], [2_000, 0]), times)).toBeNull();
    expect(ratePerSecond(samples([2_900, 3]), { startsAtMs: 2_800, nowMs: 3_000 })).toBeNull();
  });

  it('falls back to the time since the start', () => {
    expect(ratePerSecond(samples([3_000, 4]), times)).toBe(2);
    expect(ratePerSecond(samples([2_000, 4], [3_000, 4]), times)).toBe(2);
  });

  it('drops when events stop', () => {
    const seen = samples([1_000, 10], [2_000, 20]);
    expect(ratePerSecond(seen, { startsAtMs: 0, nowMs: 2_900 })).toBe(10);
    expect(ratePerSecond(seen, { startsAtMs: 0, nowMs: 7_000 })).toBe(2);
  });
});

describe('restMs', () => {
  it('is the remaining time at this rate', () => {
    const counts = { ...noCounts(), done: 97, waiting: 40, sending: 8 };
    expect(restMs(counts, 48)).toBe(1_000);
    expect(restMs(counts, null)).toBeNull();
    expect(restMs(counts, 0)).toBeNull();
  });
});

it.each([
  [48.4, '48 per second'],
  [9.96, '10 per second'],
  [2.54, '2.5 per second'],
  [3, '3 per second'],
  [0.2, '12 per minute'],
  [0.001, '1 per minute'],
])('formats a rate of %d as "%s"', (perSecond, text) => {
  expect(rateText(perSecond)).toBe(text);
});

it.each([
  [0, 'about 1 s left'],
  [1_001, 'about 2 s left'],
  [80_000, 'about 80 s left'],
  [91_000, 'about 2 min left'],
  [3_700_000, 'about 62 min left'],
  [8_000_000, 'about 3 h left'],
])('formats %d ms as "%s"', (ms, text) => {
  expect(leftText(ms)).toBe(text);
});
