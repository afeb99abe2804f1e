import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LeaseTimer } from './lease-timer';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout'] }));
afterEach(() => void vi.useRealTimers());

it('has no time left before the first renewal and after it is expired', async () => {
  const timer = new LeaseTimer(1_000);
  expect(timer.leftMs).toBe(0);
  await timer.renew(async () => {});
  expect(timer.leftMs).toBe(1_000);
  timer.expire();
  expect(timer.leftMs).toBe(0);
});

it('counts from before the write', async () => {
  const timer = new LeaseTimer(1_000);
  await timer.renew(async () => void vi.advanceTimersByTime(300));
  expect(timer.leftMs).toBe(700);
});

it('keeps its time when the write fails', async () => {
  const timer = new LeaseTimer(1_000);
  await timer.renew(async () => {});
  vi.advanceTimersByTime(400);
  await expect(timer.renew(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
  expect(timer.leftMs).toBe(600);
});

it('does not last longer when the wall clock is set back', async () => {
  const timer = new LeaseTimer(1_000);
  await timer.renew(async () => {});
  vi.setSystemTime(Date.now() - 600_000);
  vi.advanceTimersByTime(1_500);
  expect(timer.leftMs).toBe(-500);
});

it('counts the time for which the machine was suspended', async () => {
  const timer = new LeaseTimer(1_000);
  await timer.renew(async () => {});
  vi.setSystemTime(Date.now() + 30_000);
  expect(timer.leftMs).toBe(-29_000);
});
