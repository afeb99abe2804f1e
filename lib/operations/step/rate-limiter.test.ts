import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimiter, type Slot, type Verdict } from './rate-limiter';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Asks for `count` turns of a lane and answers those that have been granted so far. */
function ask(pace: RateLimiter, count: number, lane = 'lane'): Slot[] {
  const granted: Slot[] = [];
  for (let at = 0; at < count; at += 1) void pace.take(lane).then((slot) => granted.push(slot));
  return granted;
}

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Works off `rounds` rounds of as many as may go at once, each ending with `verdict`. */
async function work(pace: RateLimiter, rounds: number, verdict: Verdict): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const slots = ask(pace, pace.limit);
    await vi.advanceTimersByTimeAsync(1);
    for (const slot of slots) slot.release(verdict);
    await settle();
  }
}

describe('a pace', () => {
  it('starts moderate, and doubles with every round that goes well, up to its ceiling', async () => {
    const pace = new RateLimiter({ ceiling: 20 });
    const granted = ask(pace, 30);
    await settle();
    expect(granted).toHaveLength(8);
    for (const slot of granted.splice(0)) slot.release('fine');
    await settle();
    expect(granted).toHaveLength(16);
    for (const slot of granted.splice(0)) slot.release('fine');
    await settle();
    expect([pace.limit, granted.length]).toEqual([20, 6]);
  });

  it('never starts above its ceiling', () => {
    expect(new RateLimiter({ ceiling: 3 }).limit).toBe(3);
  });

  it('is halved once by what was refused together, and then grows by one a round', async () => {
    const pace = new RateLimiter({ ceiling: 64 });
    await work(pace, 2, 'fine');
    expect(pace.limit).toBe(32);
    const granted = ask(pace, 32);
    await vi.advanceTimersByTimeAsync(5);
    for (const slot of granted) slot.release('throttled', 1_000);
    expect(pace.limit).toBe(16);
    await vi.advanceTimersByTimeAsync(1_000);
    await work(pace, 3, 'fine');
    expect(pace.limit).toBe(18);
  });

  it('is halved again by what was sent after the last time', async () => {
    const pace = new RateLimiter({ ceiling: 8 });
    for (const limit of [4, 2, 1, 1]) {
      const granted = ask(pace, 1);
      await vi.advanceTimersByTimeAsync(1);
      granted[0]?.release('throttled', 0);
      await vi.advanceTimersByTimeAsync(100);
      expect(pace.limit).toBe(limit);
    }
  });

  it('sends nothing for as long as the service asked, then goes on by itself', async () => {
    const pace = new RateLimiter({ ceiling: 4 });
    const slots = ask(pace, 1);
    await settle();
    slots[0]?.release('throttled', 3_000);
    const later = ask(pace, 2);
    expect(pace.heldUntilMs).toBe(Date.now() + 3_000);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(later.length).toBeGreaterThan(0);
    expect(pace.heldUntilMs).toBeNull();
  });

  it('does not hurry where it was told to come back at once', async () => {
    const pace = new RateLimiter({ ceiling: 1 });
    const [slot] = await Promise.all([pace.take('lane')]);
    slot.release('throttled', 0);
    const later = ask(pace, 1);
    await vi.advanceTimersByTimeAsync(99);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(later).toHaveLength(1);
  });

  it('lets others pass one that is slow, and takes its slot back only once', async () => {
    const pace = new RateLimiter({ ceiling: 1, slowAfterMs: 5_000 });
    const slots = ask(pace, 3);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(slots).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(slots).toHaveLength(2);
    slots[0]?.release('fine');
    slots[0]?.release('fine');
    await settle();
    expect(slots).toHaveLength(2);
    slots[1]?.release('fine');
    await settle();
    expect(slots).toHaveLength(3);
  });

  it('goes round by lane, so that one need not wait for a thousand', async () => {
    const pace = new RateLimiter({ ceiling: 1 });
    const order: string[] = [];
    const turns = ['bulk', 'bulk', 'bulk', 'bulk', 'single'].map((lane) =>
      pace.take(lane).then((slot) => {
        order.push(lane);
        slot.release('fine');
      }),
    );
    await Promise.all(turns);
    expect(order).toEqual(['bulk', 'bulk', 'single', 'bulk', 'bulk']);
  });

  it('gives no turn to one that has stopped waiting', async () => {
    const pace = new RateLimiter({ ceiling: 1 });
    const [held] = await Promise.all([pace.take('lane')]);
    const stop = new AbortController();
    const stopped = pace.take('lane', stop.signal).then(
      () => 'granted',
      (reason) => reason,
    );
    const after = ask(pace, 1);
    stop.abort('cancelled');
    expect(await stopped).toBe('cancelled');
    held.release('fine');
    await settle();
    expect(after).toHaveLength(1);
    await expect(pace.take('lane', stop.signal)).rejects.toBe('cancelled');
  });
});

const VERDICTS: Verdict[] = ['fine', 'throttled', 'failed'];

it('whatever happens, never more than the limit are under way, and everybody gets a turn', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 16 }),
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...VERDICTS), fc.nat(50)), {
        maxLength: 60,
      }),
      async (ceiling, wishes) => {
        const pace = new RateLimiter({ ceiling });
        let underWay = 0;
        let most = 0;
        const turns = wishes.map(async ([lane, verdict, ms]) => {
          const slot = await pace.take(lane);
          underWay += 1;
          most = Math.max(most, underWay);
          await new Promise((resolve) => setTimeout(resolve, ms));
          underWay -= 1;
          slot.release(verdict, ms);
        });
        await vi.runAllTimersAsync();
        await Promise.all(turns);
        expect(most).toBeLessThanOrEqual(ceiling);
        expect(pace.limit).toBeGreaterThanOrEqual(1);
      },
    ),
    { numRuns: 60 },
  );
});
