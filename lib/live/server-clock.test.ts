import { describe, expect, it } from 'vitest';
import { ServerClock } from './server-clock';

const MIN_MS = 60_000;

describe('ServerClock', () => {
  it('takes both clocks for one until something is heard', () => {
    expect(new ServerClock().at(1_000)).toBe(1_000);
  });

  it('knows how far the clocks are apart, by the shortest journey', () => {
    const behind = new ServerClock();
    behind.observe(10 * MIN_MS + 30, 5 * MIN_MS + 130);
    behind.observe(10 * MIN_MS + 500, 5 * MIN_MS + 520);
    behind.observe(10 * MIN_MS + 900, 5 * MIN_MS + 1_800);
    expect(behind.at(5 * MIN_MS + 2_000)).toBe(10 * MIN_MS + 1_980);
    const ahead = new ServerClock();
    ahead.observe(5 * MIN_MS, 10 * MIN_MS);
    expect(ahead.at(10 * MIN_MS + 7)).toBe(5 * MIN_MS + 7);
  });

  it('follows a clock that is set right meanwhile', () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_000);
    for (let count = 0; count < 40; count += 1) clock.observe(200_000 + count, 200_010 + count);
    expect(clock.at(300_000)).toBe(299_990);
  });
});
