import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ArchiveProgress } from './progress';
import { type ArchiveEvent, newArchiveToken } from './schema';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const count = (files: number) => ({ files, folders: 0, bytes: files * 10, leftOut: 0, isCut: false });

it('tells whoever has the token how far it is and how it ended, however late they come', () => {
  const progress = new ArchiveProgress();
  const token = newArchiveToken();
  const heard: ArchiveEvent[] = [];
  const stop = progress.listen(token, (event) => heard.push(event));
  progress.listen(newArchiveToken(), () => expect.unreachable());
  const live = count(0);
  const { counts, ends } = progress.begin(token);
  vi.advanceTimersByTime(500);
  counts(live);
  live.files = 3;
  vi.advanceTimersByTime(500);
  live.files = 5;
  stop();
  ends(null);
  ends('too late');
  expect(heard).toEqual([
    { kind: 'progress', count: null },
    { kind: 'progress', count: { ...count(0), files: 3 } },
  ]);
  progress.listen(token, (event) => heard.push(event))();
  expect(heard.at(-1)).toEqual({ kind: 'ended', count: { ...count(0), files: 5 }, failure: null });
  vi.advanceTimersByTime(60_000);
  progress.listen(token, () => expect.unreachable());
});

it('knows no archive by nonsense, nor two by one token', () => {
  const progress = new ArchiveProgress();
  const token = newArchiveToken();
  const heard: ArchiveEvent[] = [];
  for (const nonsense of [null, '', 'x'.repeat(32)]) progress.begin(nonsense).ends(null);
  const first = progress.begin(token);
  progress.begin(token).ends('a stranger');
  progress.listen(token, (event) => heard.push(event));
  first.ends(null);
  expect(heard.at(-1)).toEqual({ kind: 'ended', count: null, failure: null });
});
