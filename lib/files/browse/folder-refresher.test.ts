import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FolderRefresher } from './folder-refresher';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function refresherOf(count: number, tookMs = 0) {
  const calls: string[] = [];
  const take = () => new Promise<void>((resolve) => setTimeout(resolve, tookMs));
  const refresher = new FolderRefresher({
    count: () => count,
    reread: () => {
      calls.push('all');
      return take();
    },
    restat: (names) => {
      calls.push(names.join());
      return take();
    },
  });
  return { refresher, calls };
}

it('rereads a small folder whole, at once and then throttled', async () => {
  const { refresher, calls } = refresherOf(10);
  refresher.notify(['a']);
  expect(calls).toEqual(['all']);
  refresher.notify(['b']);
  refresher.notify(['c']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all', 'all']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(calls).toEqual(['all', 'all']);
});

it('rereads names of a large folder, unless they are many or unknown', async () => {
  const { refresher, calls } = refresherOf(50_000);
  refresher.notify(['a', 'b']);
  refresher.notify(['c']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual(['a,b', 'c']);
  refresher.notify([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.at(-1)).toBe('all');
  refresher.notify(Array.from({ length: 40 }, (_, index) => `n${index}`));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.slice(2)).toEqual(['all', 'all']);
});

it('pauses longer after slower readings', async () => {
  const { refresher, calls } = refresherOf(10, 1_000);
  refresher.notify(['a']);
  await vi.advanceTimersByTimeAsync(1_000);
  refresher.notify(['b']);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(calls).toEqual(['all']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all', 'all']);
});

it('stops', async () => {
  const { refresher, calls } = refresherOf(10);
  refresher.notify(['a']);
  refresher.notify(['b']);
  refresher.stop();
  refresher.notify(['c']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(calls).toEqual(['all']);
});
