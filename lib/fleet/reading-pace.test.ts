import { describe, expect, it } from 'vitest';
import { ReadingPace } from './reading-pace';

const SMALL = { requests: 1, tookMs: 20, hasChanged: false };
/** 10,000 rows: 100 pages, and the first one again. */
const LARGE = { requests: 101, tookMs: 1_300, hasChanged: true };

/** Requests a second at rest, with one reading of each page in between every `stepMs`. */
function rate(pace: ReadingPace, { requests, tookMs }: typeof LARGE, stepMs: number): number {
  const between = Math.floor(pace.pauseMs / stepMs) * pace.pagesBetween().length;
  return ((requests + between) * 1_000) / (pace.pauseMs + tookMs);
}

describe('the pace of readings', () => {
  it('reads a fleet of one page after the shortest pause, also while nothing changes', () => {
    const pace = new ReadingPace(1_000);
    for (let at = 0; at < 20; at += 1) pace.noteReading(SMALL);
    expect([pace.pauseMs, pace.pagesBetween()]).toEqual([1_000, []]);
  });

  it('reads a slow service at most half of the time', () => {
    const pace = new ReadingPace(1_000);
    pace.noteReading({ ...SMALL, tookMs: 9_000 });
    expect(pace.pauseMs).toBe(9_000);
  });

  it('sends at most 20 requests a second for 10,000 rows that change everywhere', () => {
    const pace = new ReadingPace(1_000);
    pace.noteReading(LARGE);
    for (let page = 0; page < 100; page += 1) pace.notePage(`page ${page}`, true);
    expect(rate(pace, LARGE, 1_000)).toBeLessThanOrEqual(20);
  });

  it('slows down while nothing changes, and not beyond 15 seconds', () => {
    const pace = new ReadingPace(1_000);
    pace.noteReading(LARGE);
    const rates = Array.from({ length: 6 }, () => {
      pace.noteReading({ ...LARGE, hasChanged: false });
      return [pace.pauseMs, rate(pace, LARGE, 1_000)] as const;
    });
    const [last] = rates.slice(-1);
    expect(last?.[0]).toBe(15_000);
    expect(last?.[1]).toBeLessThan(8);
  });

  it('returns to the full pace with the first change', () => {
    const pace = new ReadingPace(1_000);
    pace.noteReading(LARGE);
    const fullMs = pace.pauseMs;
    for (let at = 0; at < 5; at += 1) pace.noteReading({ ...LARGE, hasChanged: false });
    pace.notePage(null, true);
    expect(pace.pauseMs).toBe(fullMs);
  });

  it('reads the first page and those with changes in between, until they change no more', () => {
    const pace = new ReadingPace(1_000);
    pace.noteReading(LARGE);
    pace.notePage('p7', true);
    expect(pace.pagesBetween()).toEqual([null, 'p7']);
    pace.notePage('p7', false);
    expect(pace.pagesBetween()).toEqual([null]);
  });

  it('does not slow down a service whose readings take longer than that', () => {
    const pace = new ReadingPace(1_000);
    for (let at = 0; at < 5; at += 1)
      pace.noteReading({ requests: 2_000, tookMs: 40_000, hasChanged: false });
    expect(pace.pauseMs).toBeGreaterThanOrEqual(40_000);
  });
});
