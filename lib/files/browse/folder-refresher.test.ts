import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FolderRefresher } from './folder-refresher';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function newsOf(count: number, tookMs = 0) {
  const calls: string[] = [];
  const take = () => new Promise<void>((resolve) => setTimeout(resolve, tookMs));
  const news = new FolderRefresher({
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
  return { news, calls };
}

it('reads a small folder whole, at once and then with pauses', async () => {
  const { news, calls } = newsOf(10);
  news.tell(['a']);
  expect(calls).toEqual(['all']);
  news.tell(['b']);
  news.tell(['c']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all', 'all']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(calls).toEqual(['all', 'all']);
});

it('looks at the names in a large one, unless they are many or unknown', async () => {
  const { news, calls } = newsOf(50_000);
  news.tell(['a', 'b']);
  news.tell(['c']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual(['a,b', 'c']);
  news.tell([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.at(-1)).toBe('all');
  news.tell(Array.from({ length: 40 }, (_, index) => `n${index}`));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls.slice(2)).toEqual(['all', 'all']);
});

it('waits longer the longer reading takes', async () => {
  const { news, calls } = newsOf(10, 1_000);
  news.tell(['a']);
  await vi.advanceTimersByTimeAsync(1_000);
  news.tell(['b']);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(calls).toEqual(['all']);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toEqual(['all', 'all']);
});

it('stops', async () => {
  const { news, calls } = newsOf(10);
  news.tell(['a']);
  news.tell(['b']);
  news.stop();
  news.tell(['c']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(calls).toEqual(['all']);
});
