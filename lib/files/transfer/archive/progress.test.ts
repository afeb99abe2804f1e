import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ArchiveProgress } from './progress';
import { type ArchiveEvent, newArchiveToken } from './schema';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const count = (files: number) => ({
  files,
  folders: 0,
  bytes: files * 10,
  leftOut: 0,
  fault: null,
  isCut: false,
});

it('sends progress and the result to early and late subscribers of the token', () => {
  const progress = new ArchiveProgress();
  const token = newArchiveToken();
  const events: ArchiveEvent[] = [];
  const stop = progress.listen('ana', token, (event) => events.push(event));
  progress.listen('ana', newArchiveToken(), () => expect.unreachable());
  progress.listen('li', token, () => expect.unreachable());
  const live = count(0);
  const { onCount, onEnd } = progress.begin('ana', token);
  vi.advanceTimersByTime(500);
  onCount(live);
  live.files = 3;
  vi.advanceTimersByTime(500);
  live.files = 5;
  stop();
  onEnd(null);
  onEnd('too late');
  expect(events).toEqual([
    { kind: 'progress', count: null },
    { kind: 'progress', count: { ...count(0), files: 3 } },
  ]);
  progress.listen('ana', token, (event) => events.push(event))();
  expect(events.at(-1)).toEqual({ kind: 'ended', count: { ...count(0), files: 5 }, failure: null });
  vi.advanceTimersByTime(60_000);
  progress.listen('ana', token, () => expect.unreachable());
});

it('ignores invalid and repeated tokens', () => {
  const progress = new ArchiveProgress();
  const token = newArchiveToken();
  const events: ArchiveEvent[] = [];
  for (const nonsense of [null, '', 'x'.repeat(32)]) progress.begin('ana', nonsense).onEnd(null);
  const first = progress.begin('ana', token);
  progress.begin('ana', token).onEnd('a stranger');
  progress.listen('ana', token, (event) => events.push(event));
  first.onEnd(null);
  expect(events.at(-1)).toEqual({ kind: 'ended', count: null, failure: null });
});
