import { describe, expect, it } from 'vitest';
import { MAX_TIMEOUT_MS } from '../../sandbox/limits';
import {
  deadlineDrift,
  endingOf,
  losesTime,
  requestedDeadline,
  resumesToKill,
  timeGained,
} from './time-left';

const NOW_MS = Date.parse('2026-01-15T09:00:00Z');
const MIN_MS = 60_000;
const endsIn = (minutes: number) => ({ endAtMs: NOW_MS + minutes * MIN_MS });

describe('timeGained', () => {
  it('compares the time set with the time left', () => {
    expect(timeGained(endsIn(5), { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBe(10 * MIN_MS);
    expect(timeGained(endsIn(60), { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBe(-45 * MIN_MS);
  });

  it('is the added time, however much is left', () => {
    for (const minutes of [1, 15, 600]) {
      expect(timeGained(endsIn(minutes), { addMs: 15 * MIN_MS }, NOW_MS)).toBe(15 * MIN_MS);
      expect(losesTime(endsIn(minutes), { addMs: 15 * MIN_MS }, NOW_MS)).toBe(false);
    }
  });

  it('never takes time away to stay within the longest timeout', () => {
    const left = endsIn(MAX_TIMEOUT_MS / MIN_MS + 60);
    expect(timeGained(left, { addMs: 15 * MIN_MS }, NOW_MS)).toBe(0);
  });

  it('is unknown without a deadline, which counts as a loss', () => {
    expect(timeGained({ endAtMs: null }, { timeoutMs: MIN_MS }, NOW_MS)).toBeNull();
    expect(losesTime({ endAtMs: null }, { addMs: MIN_MS }, NOW_MS)).toBe(true);
  });

  it('counts from now if the deadline has passed', () => {
    expect(requestedDeadline(endsIn(-3), { addMs: 15 * MIN_MS }, NOW_MS)).toBe(NOW_MS + 15 * MIN_MS);
  });
});

it('takes a difference of a few seconds for no loss', () => {
  expect(losesTime({ endAtMs: NOW_MS + 15 * MIN_MS + 3_000 }, { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBe(
    false,
  );
  expect(losesTime({ endAtMs: NOW_MS + 16 * MIN_MS }, { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBe(true);
});

describe('deadlineDrift', () => {
  it('reports time that somebody added and the request would take back', () => {
    expect(deadlineDrift(endsIn(5), endsIn(60), { timeoutMs: 15 * MIN_MS }, NOW_MS)).toMatch(
      /given more time/,
    );
    expect(deadlineDrift(endsIn(5), endsIn(60), { addMs: 15 * MIN_MS }, NOW_MS)).toMatch(/given more time/);
  });

  it('allows a loss that was shown, and time added that the request exceeds', () => {
    expect(deadlineDrift(endsIn(60), endsIn(60), { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBeNull();
    expect(deadlineDrift(endsIn(5), endsIn(10), { timeoutMs: 15 * MIN_MS }, NOW_MS)).toBeNull();
  });

  it('allows the effect of the same request sent before', () => {
    expect(deadlineDrift(endsIn(5), endsIn(20), { addMs: 15 * MIN_MS }, NOW_MS)).toBeNull();
  });
});

describe('endingOf', () => {
  const pausing = { lifecycle: { onTimeout: 'pause', autoResume: false } } as const;

  it('is a kill if the deadline moves to within five minutes', () => {
    for (const timeoutMs of [1_000, MIN_MS, 5 * MIN_MS])
      expect(endingOf(endsIn(60), { timeoutMs }, NOW_MS)).toBe('kill');
    expect(endingOf(endsIn(3), { timeoutMs: MIN_MS }, NOW_MS)).toBe('kill');
    expect(endingOf({ endAtMs: null }, { timeoutMs: MIN_MS }, NOW_MS)).toBe('kill');
  });

  it('is a pause if the deadline pauses the sandbox', () => {
    expect(endingOf({ ...endsIn(60), ...pausing }, { timeoutMs: MIN_MS }, NOW_MS)).toBe('pause');
  });

  it('is nothing if the sandbox keeps more time, or gains some', () => {
    expect(endingOf(endsIn(60), { timeoutMs: 5 * MIN_MS + 1 }, NOW_MS)).toBeNull();
    expect(endingOf(endsIn(2), { timeoutMs: 4 * MIN_MS }, NOW_MS)).toBeNull();
    expect(endingOf({ endAtMs: null }, { addMs: MIN_MS }, NOW_MS)).toBeNull();
  });
});

it('finds a resume that only kills', () => {
  const [pausing, killing] = (['pause', 'kill'] as const).map((onTimeout) => ({
    lifecycle: { onTimeout, autoResume: false },
  }));
  expect(resumesToKill({}, { timeoutMs: MIN_MS })).toBe(true);
  expect(resumesToKill(killing ?? {}, { timeoutMs: MIN_MS })).toBe(true);
  expect(resumesToKill(pausing ?? {}, { timeoutMs: MIN_MS, autoPause: false })).toBe(true);
  expect(resumesToKill(pausing ?? {}, { timeoutMs: MIN_MS })).toBe(false);
  expect(resumesToKill(killing ?? {}, { timeoutMs: MIN_MS, autoPause: true })).toBe(false);
  expect(resumesToKill(killing ?? {}, { timeoutMs: 5 * MIN_MS })).toBe(false);
});
