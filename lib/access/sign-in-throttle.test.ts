import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SignInThrottle } from './sign-in-throttle';

const wrong = () => false;
const right = () => true;

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** The time until `attempt` is answered, ms. */
async function durationOf(attempt: Promise<boolean>): Promise<number> {
  const startedAtMs = Date.now();
  let isDone = false;
  void attempt.finally(() => {
    isDone = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  while (!isDone) await vi.advanceTimersToNextTimerAsync();
  return Date.now() - startedAtMs;
}

describe('SignInThrottle', () => {
  it('answers a right attempt at once', async () => {
    expect(await durationOf(new SignInThrottle().run(right))).toBe(0);
  });

  it('doubles the delay of wrong attempts up to 8 s', async () => {
    const throttle = new SignInThrottle();
    const waits = [];
    for (let time = 0; time < 8; time += 1) waits.push(await durationOf(throttle.run(wrong)));
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('answers wrong attempts one at a time', async () => {
    const throttle = new SignInThrottle();
    const attempts = [throttle.run(wrong), throttle.run(wrong), throttle.run(wrong)];
    expect(await durationOf(Promise.all(attempts).then(() => true))).toBe(250 + 500 + 1_000);
  });

  it('does not delay a right attempt behind guesses, and resets the delay after it', async () => {
    const throttle = new SignInThrottle();
    const guesses = [throttle.run(wrong), throttle.run(wrong)];
    expect(await durationOf(throttle.run(right))).toBe(0);
    await vi.runAllTimersAsync();
    expect(await Promise.all(guesses)).toEqual([false, false]);
    expect(await durationOf(throttle.run(right))).toBe(0);
    expect(await durationOf(throttle.run(wrong))).toBe(250);
  });

  it('refuses attempts unchecked while the queue is full', async () => {
    const throttle = new SignInThrottle();
    const guesses = Array.from({ length: 20 }, () => throttle.run(wrong));
    const tried = vi.fn(right);
    await expect(throttle.run(tried)).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 8_000 });
    expect(tried).not.toHaveBeenCalled();
    await vi.runAllTimersAsync();
    await Promise.all(guesses);
    expect(await throttle.run(tried)).toBe(true);
  });

  it('resets the delay after ten minutes without attempts', async () => {
    const throttle = new SignInThrottle();
    for (let time = 0; time < 5; time += 1) await durationOf(throttle.run(wrong));
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 1);
    expect(await durationOf(throttle.run(wrong))).toBe(250);
  });
});
