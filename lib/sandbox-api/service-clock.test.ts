import { expect, it } from 'vitest';
import { ServiceClock } from './service-clock';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const dateAt = (ms: number) => new Date(ms).toUTCString();

/** The skew after answers whose dates are `aheadMs` ahead, each answered after `tookMs`. */
function measured(aheadMs: number, { tookMs = 40, answers = 20 } = {}): number {
  const clock = new ServiceClock();
  for (let at = 0; at < answers; at += 1) {
    const sentAtMs = NOW_MS + at * 777;
    clock.observe(dateAt(sentAtMs + aheadMs), sentAtMs, sentAtMs + tookMs);
  }
  return clock.aheadMs;
}

it.each([0, 900, -900])('is 0 for a service that is %i ms ahead', (aheadMs) =>
  expect(measured(aheadMs)).toBe(0),
);

it.each([10 * 60_000, -10 * 60_000, 5_000])('measures a service that is %i ms ahead', (aheadMs) => {
  expect(Math.abs(measured(aheadMs) - aheadMs)).toBeLessThanOrEqual(1_000);
  expect(Math.abs(measured(aheadMs, { answers: 1 }) - aheadMs)).toBeLessThanOrEqual(1_000);
});

it('ignores a missing or wrong date, and single odd answers', () => {
  const clock = new ServiceClock();
  clock.observe(null, NOW_MS, NOW_MS);
  clock.observe('nonsense', NOW_MS, NOW_MS);
  for (let at = 0; at < 5; at += 1) clock.observe(dateAt(NOW_MS), NOW_MS, NOW_MS + 20);
  clock.observe(dateAt(NOW_MS - 3_600_000), NOW_MS, NOW_MS + 20);
  expect(clock.aheadMs).toBe(0);
});

it('follows a service whose clock is corrected', () => {
  const clock = new ServiceClock();
  for (let at = 0; at < 15; at += 1) clock.observe(dateAt(NOW_MS + 60_000), NOW_MS, NOW_MS + 20);
  expect(Math.abs(clock.aheadMs - 60_000)).toBeLessThanOrEqual(1_000);
  for (let at = 0; at < 15; at += 1) clock.observe(dateAt(NOW_MS), NOW_MS, NOW_MS + 20);
  expect(clock.aheadMs).toBe(0);
});
