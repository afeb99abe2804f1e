import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../../test-support/runs';
import { RateLimiter, type Slot, type Verdict } from './rate-limiter';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Requests `count` slots of a lane and returns those granted so far. */
function request(limiter: RateLimiter, count: number, lane = 'lane'): Slot[] {
  const granted: Slot[] = [];
  for (let at = 0; at < count; at += 1) void limiter.take(lane).then((slot) => granted.push(slot));
  return granted;
}

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Uses all slots for `rounds` rounds that end with `verdict`. */
async function work(limiter: RateLimiter, rounds: number, verdict: Verdict): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const slots = request(limiter, limiter.limit);
    await vi.advanceTimersByTimeAsync(1);
    for (const slot of slots) slot.release(verdict);
    await settle();
  }
}

describe('RateLimiter', () => {
  it('doubles with every successful round, up to its ceiling', async () => {
    const limiter = new RateLimiter({ ceiling: 20 });
    const granted = request(limiter, 30);
    await settle();
    expect(granted).toHaveLength(8);
    for (const slot of granted.splice(0)) slot.release('fine');
    await settle();
    expect(granted).toHaveLength(16);
    for (const slot of granted.splice(0)) slot.release('fine');
    await settle();
    expect([limiter.limit, granted.length]).toEqual([20, 6]);
  });

  it('never starts above its ceiling', () => {
    expect(new RateLimiter({ ceiling: 3 }).limit).toBe(3);
  });

  it('halves once for requests throttled together, then grows by one per round', async () => {
    const limiter = new RateLimiter({ ceiling: 64 });
    await work(limiter, 2, 'fine');
    expect(limiter.limit).toBe(32);
    const granted = request(limiter, 32);
    await vi.advanceTimersByTimeAsync(5);
    for (const slot of granted) slot.release('throttled', 1_000);
    expect(limiter.limit).toBe(16);
    await vi.advanceTimersByTimeAsync(1_000);
    await work(limiter, 3, 'fine');
    expect(limiter.limit).toBe(18);
  });

  it('halves again for requests sent after the last halving', async () => {
    const limiter = new RateLimiter({ ceiling: 8 });
    for (const limit of [4, 2, 1, 1]) {
      const granted = request(limiter, 1);
      await vi.advanceTimersByTimeAsync(1);
      granted[0]?.release('throttled', 0);
      await vi.advanceTimersByTimeAsync(100);
      expect(limiter.limit).toBe(limit);
    }
  });

  it('grants no slot while the service asked to wait, then continues', async () => {
    const limiter = new RateLimiter({ ceiling: 4 });
    const slots = request(limiter, 1);
    await settle();
    slots[0]?.release('throttled', 3_000);
    const later = request(limiter, 2);
    expect(limiter.heldUntilMs).toBe(Date.now() + 3_000);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(later.length).toBeGreaterThan(0);
    expect(limiter.heldUntilMs).toBeNull();
  });

  it('waits a minimum even if told to retry at once', async () => {
    const limiter = new RateLimiter({ ceiling: 1 });
    const [slot] = await Promise.all([limiter.take('lane')]);
    slot.release('throttled', 0);
    const later = request(limiter, 1);
    await vi.advanceTimersByTimeAsync(99);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(later).toHaveLength(1);
  });

  it('frees the slot of a slow request once', async () => {
    const limiter = new RateLimiter({ ceiling: 1, slowAfterMs: 5_000 });
    const slots = request(limiter, 3);
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

  it('takes grants between lanes', async () => {
    const limiter = new RateLimiter({ ceiling: 1 });
    const order: string[] = [];
    const grants = ['bulk', 'bulk', 'bulk', 'bulk', 'single'].map((lane) =>
      limiter.take(lane).then((slot) => {
        order.push(lane);
        slot.release('fine');
      }),
    );
    await Promise.all(grants);
    expect(order).toEqual(['bulk', 'bulk', 'single', 'bulk', 'bulk']);
  });

  it('skips an aborted wait', async () => {
    const limiter = new RateLimiter({ ceiling: 1 });
    const [held] = await Promise.all([limiter.take('lane')]);
    const stop = new AbortController();
    const stopped = limiter.take('lane', stop.signal).then(
      () => 'granted',
      (reason) => reason,
    );
    const after = request(limiter, 1);
    stop.abort('cancelled');
    expect(await stopped).toBe('cancelled');
    held.release('fine');
    await settle();
    expect(after).toHaveLength(1);
    await expect(limiter.take('lane', stop.signal)).rejects.toBe('cancelled');
  });
});

const VERDICTS: Verdict[] = ['fine', 'throttled', 'failed'];

it('never exceeds its limit and grants every request', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 16 }),
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...VERDICTS), fc.nat(50)), {
        maxLength: 60,
      }),
      async (ceiling, requests) => {
        const limiter = new RateLimiter({ ceiling });
        let underWay = 0;
        let maxSeen = 0;
        const grants = requests.map(async ([lane, verdict, ms]) => {
          const slot = await limiter.take(lane);
          underWay += 1;
          maxSeen = Math.max(maxSeen, underWay);
          await new Promise((resolve) => setTimeout(resolve, ms));
          underWay -= 1;
          slot.release(verdict, ms);
        });
        await vi.runAllTimersAsync();
        await Promise.all(grants);
        expect(maxSeen).toBeLessThanOrEqual(ceiling);
        expect(limiter.limit).toBeGreaterThanOrEqual(1);
      },
    ),
    { numRuns: runs(100) },
  );
});
