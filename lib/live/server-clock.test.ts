import { describe, expect, it } from 'vitest';
import { ServerClock } from './server-clock';

const MINUTE_MS = 60_000;

describe('ServerClock', () => {
  it('returns the same time before the first observation', () => {
    expect(new ServerClock().at(1_000)).toBe(1_000);
  });

  it('uses the observation with the shortest delay', () => {
    const behind = new ServerClock();
    behind.observe(10 * MINUTE_MS + 30, 5 * MINUTE_MS + 130);
    behind.observe(10 * MINUTE_MS + 500, 5 * MINUTE_MS + 520);
    behind.observe(10 * MINUTE_MS + 900, 5 * MINUTE_MS + 1_800);
    expect(behind.at(5 * MINUTE_MS + 2_000)).toBe(10 * MINUTE_MS + 1_980);
    const ahead = new ServerClock();
    ahead.observe(5 * MINUTE_MS, 10 * MINUTE_MS);
    expect(ahead.at(10 * MINUTE_MS + 7)).toBe(5 * MINUTE_MS + 7);
  });

  it('follows a clock that is adjusted', () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_000);
    for (let count = 0; count < 40; count += 1) clock.observe(200_000 + count, 200_010 + count);
    expect(clock.at(300_000)).toBe(299_990);
  });

  it('follows a clock that is set back or forth, after two messages', () => {
    const clock = new ServerClock();
    clock.observe(100_000, 100_010);
    clock.observe(100_020, 700_030);
    expect(clock.at(700_030)).toBe(700_020);
    clock.observe(100_040, 700_050);
    expect(clock.at(700_050)).toBe(100_040);
    clock.observe(100_060, 100_070);
    expect(clock.at(100_070)).toBe(100_060);
  });

  it('knows the clock of the service of each connection', () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_000);
    clock.observeService('staging', 30_000);
    clock.observeService('prod', -3_600_000);
    expect(clock.serviceAt('staging', 40_000)).toBe(130_000);
    expect(clock.serviceAt('prod', 40_000)).toBe(100_000 - 3_600_000);
    expect(clock.serviceAt('other', 40_000)).toBe(100_000);
  });
});
