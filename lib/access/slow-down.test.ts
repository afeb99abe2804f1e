import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SlowDown } from './slow-down';

const wrong = () => false;
const right = () => true;

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** How long `attempt` takes to be answered, in ms. */
async function timeOf(attempt: Promise<boolean>): Promise<number> {
  const beganAtMs = Date.now();
  let isDone = false;
  void attempt.finally(() => {
    isDone = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  while (!isDone) await vi.advanceTimersToNextTimerAsync();
  return Date.now() - beganAtMs;
}

describe('SlowDown', () => {
  it('lets the right one through at once', async () => {
    expect(await timeOf(new SlowDown().run(right))).toBe(0);
  });

  it('doubles the wait of wrong ones up to 8 s', async () => {
    const line = new SlowDown();
    const waits = [];
    for (let time = 0; time < 8; time += 1) waits.push(await timeOf(line.run(wrong)));
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('answers wrong ones one after the other, not side by side', async () => {
    const line = new SlowDown();
    const attempts = [line.run(wrong), line.run(wrong), line.run(wrong)];
    expect(await timeOf(Promise.all(attempts).then(() => true))).toBe(250 + 500 + 1_000);
  });

  it('does not make the right one wait behind a guesser, and starts anew after it', async () => {
    const line = new SlowDown();
    const guesses = [line.run(wrong), line.run(wrong)];
    expect(await timeOf(line.run(right))).toBe(0);
    await vi.runAllTimersAsync();
    expect(await Promise.all(guesses)).toEqual([false, false]);
    expect(await timeOf(line.run(right))).toBe(0);
    expect(await timeOf(line.run(wrong))).toBe(250);
  });

  it('bounds the line: what comes on top is refused untried, until there is room again', async () => {
    const line = new SlowDown();
    const guesses = Array.from({ length: 20 }, () => line.run(wrong));
    const tried = vi.fn(right);
    await expect(line.run(tried)).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 8_000 });
    expect(tried).not.toHaveBeenCalled();
    await vi.runAllTimersAsync();
    await Promise.all(guesses);
    expect(await line.run(tried)).toBe(true);
  });

  it('forgets after ten quiet minutes', async () => {
    const line = new SlowDown();
    for (let time = 0; time < 5; time += 1) await timeOf(line.run(wrong));
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 1);
    expect(await timeOf(line.run(wrong))).toBe(250);
  });
});
