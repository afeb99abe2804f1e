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
    await vi.advanceTimersByTimeAsync(2_000);
    await work(limiter, 3, 'fine');
    expect(limiter.limit).toBe(18);
  });

  /** Refuses the next request. Returns how long the hold is. */
  async function refuse(limiter: RateLimiter, retryAfterMs?: number): Promise<number> {
    const granted = request(limiter, 1);
    await vi.advanceTimersByTimeAsync(1);
    granted[0]?.release('throttled', retryAfterMs);
    return (limiter.hold?.untilMs ?? 0) - Date.now();
  }

  it('halves again for requests sent after the last halving', async () => {
    const limiter = new RateLimiter({ ceiling: 8 });
    for (const limit of [4, 2, 1, 1]) {
      const holdMs = await refuse(limiter, 0);
      expect(limiter.limit).toBe(limit);
      await vi.advanceTimersByTimeAsync(holdMs);
    }
  });

  it('grants no slot while the service asked to wait, then continues', async () => {
    const limiter = new RateLimiter({ ceiling: 4 });
    const holdMs = await refuse(limiter, 3_000);
    expect(limiter.hold?.isAsked).toBe(true);
    expect(holdMs).toBeGreaterThanOrEqual(3_000);
    expect(holdMs).toBeLessThan(3_500);
    const later = request(limiter, 2);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(holdMs - 2_999);
    expect(later.length).toBeGreaterThan(0);
    expect(limiter.hold).toBeNull();
  });

  it.each([undefined, 0, 200])(
    'waits longer with each refusal in a row, up to a minute (asked: %s ms)',
    async (askedMs) => {
      const limiter = new RateLimiter({ ceiling: 8 });
      const holds: number[] = [];
      for (let count = 0; count < 10; count += 1) {
        const holdMs = await refuse(limiter, askedMs);
        holds.push(holdMs);
        expect(limiter.hold?.isAsked).toBe(false);
        await vi.advanceTimersByTimeAsync(holdMs);
      }
      for (const [index, holdMs] of holds.entries()) {
        const longest = Math.min(60_000, 500 * 2 ** index);
        expect(holdMs).toBeGreaterThanOrEqual(longest / 2);
        expect(holdMs).toBeLessThanOrEqual(longest);
      }
      const [slot] = await Promise.all([limiter.take('lane')]);
      slot.release('fine');
      expect(await refuse(limiter, askedMs)).toBeLessThanOrEqual(500);
    },
  );

  it('counts requests refused together once', async () => {
    const limiter = new RateLimiter({ ceiling: 8 });
    const granted = request(limiter, 8);
    await vi.advanceTimersByTimeAsync(5);
    for (const slot of granted) slot.release('throttled', 0);
    expect((limiter.hold?.untilMs ?? 0) - Date.now()).toBeLessThanOrEqual(500);
  });

  it('probes a long hold with one request a minute, and ends it when that succeeds', async () => {
    const limiter = new RateLimiter({ ceiling: 8 });
    expect(await refuse(limiter, 86_400_000)).toBeGreaterThanOrEqual(86_400_000);
    const later = request(limiter, 4);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(later).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(later).toHaveLength(1);
    later[0]?.release('throttled', 86_400_000);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(later).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(later).toHaveLength(2);
    later[1]?.release('failed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(later).toHaveLength(3);
    later[2]?.release('fine');
    await settle();
    expect([later.length, limiter.hold]).toEqual([4, null]);
  });

  it('tries at once when a person asks, with a single request', async () => {
    let changes = 0;
    const limiter = new RateLimiter({ ceiling: 8, onHold: () => (changes += 1) });
    limiter.tryNow();
    await refuse(limiter, 86_400_000);
    const later = request(limiter, 4);
    limiter.tryNow();
    limiter.tryNow();
    await settle();
    expect(later).toHaveLength(1);
    later[0]?.release('fine');
    await settle();
    expect([later.length, limiter.hold, changes]).toEqual([4, null, 2]);
  });

  it('never waits less than the service asked', async () => {
    const limiter = new RateLimiter({ ceiling: 8 });
    for (const askedMs of [1_000, 1_000, 5_000, 2_000, 30_000]) {
      const holdMs = await refuse(limiter, askedMs);
      expect(holdMs).toBeGreaterThanOrEqual(askedMs);
      await vi.advanceTimersByTimeAsync(holdMs);
    }
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
