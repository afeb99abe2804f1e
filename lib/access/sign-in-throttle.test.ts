import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SignInThrottle } from './sign-in-throttle';

const wrong = () => false;
const right = () => true;
const HERE = '203.0.113.7';
const ELSEWHERE = '198.51.100.9';

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** The time until `attempt` is answered, ms. */
async function durationOf(attempt: Promise<boolean>): Promise<number> {
  const startedAtMs = Date.now();
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  attempt.then(end, end);
  await vi.advanceTimersByTimeAsync(0);
  while (!isDone) await vi.advanceTimersToNextTimerAsync();
  return Date.now() - startedAtMs;
}

describe('SignInThrottle', () => {
  it('answers a right attempt at once', async () => {
    expect(await durationOf(new SignInThrottle().run(HERE, right))).toBe(0);
  });

  it('doubles the delay of wrong attempts up to 8 s', async () => {
    const throttle = new SignInThrottle();
    const waits = [];
    for (let time = 0; time < 8; time += 1) waits.push(await durationOf(throttle.run(HERE, wrong)));
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('accepts a right attempt at once among any number of wrong ones, and then forgives them', async () => {
    const throttle = new SignInThrottle();
    const guesses = Array.from({ length: 1_000 }, () => throttle.run(HERE, wrong).catch(() => false));
    expect(await durationOf(throttle.run(ELSEWHERE, right))).toBe(0);
    expect(await durationOf(throttle.run(HERE, right))).toBe(0);
    await vi.runAllTimersAsync();
    expect((await Promise.all(guesses)).some(Boolean)).toBe(false);
    expect(await durationOf(throttle.run(HERE, wrong))).toBe(250);
  });

  it('says how long to wait instead of holding many answers', async () => {
    const throttle = new SignInThrottle();
    const guesses = Array.from({ length: 25 }, () => throttle.run(HERE, wrong));
    const settled = Promise.allSettled(guesses);
    await vi.runAllTimersAsync();
    const refused = (await settled).flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    expect(refused).toHaveLength(21);
    expect(refused[0]).toMatchObject({ code: 'rate_limited', retryAfterMs: 4_000 });
    expect(refused[0].message).toMatch(/Wait 4 seconds/);
    expect(refused.at(-1)).toMatchObject({ retryAfterMs: 8_000 });
  });

  it('does not slow down other addresses', async () => {
    const throttle = new SignInThrottle();
    for (let time = 0; time < 5; time += 1) await durationOf(throttle.run(HERE, wrong));
    expect(await durationOf(throttle.run(ELSEWHERE, wrong))).toBe(250);
  });

  it('takes the addresses of one IPv6 network for one', async () => {
    const throttle = new SignInThrottle();
    for (let host = 1; host <= 5; host += 1) await durationOf(throttle.run(`2001:db8::${host}`, wrong));
    expect(await durationOf(throttle.run('2001:db8::ffff:1', wrong))).toBe(8_000);
    expect(await durationOf(throttle.run('2001:db8:0:1::1', wrong))).toBe(250);
  });

  it('resets the delay after ten minutes without attempts', async () => {
    const throttle = new SignInThrottle();
    for (let time = 0; time < 5; time += 1) await durationOf(throttle.run(HERE, wrong));
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 1);
    expect(await durationOf(throttle.run(HERE, wrong))).toBe(250);
  });
});
