import { describe, expect, it } from 'vitest';
import { CheckedInput } from './checked-input';

/** Input of a tab whose session is asked for by hand. */
function inputOf() {
  const taken: number[] = [];
  const answers: ((isValid: boolean) => void)[] = [];
  const clock = { nowMs: 0 };
  const input = new CheckedInput(
    { recheck: () => new Promise((resolve) => answers.push(resolve)) },
    () => clock.nowMs,
    ({ seq }) => taken.push(seq),
  );
  const answer = async (isValid: boolean) => {
    answers.shift()?.(isValid);
    await new Promise(setImmediate);
  };
  const add = (seq: number, bytes: Uint8Array) => input.add({ seq, after: 0, bytes });
  return { add, taken, answers, clock, answer };
}

const A = new Uint8Array([97]);

describe('input', () => {
  it('waits for its session once, in its order, and then goes through for a while', async () => {
    const { add, taken, answers, clock, answer } = inputOf();
    add(1, A);
    add(2, A);
    expect(taken).toEqual([]);
    await answer(true);
    add(3, A);
    expect(taken).toEqual([1, 2, 3]);
    clock.nowMs += 1_000;
    add(4, A);
    expect(taken).toEqual([1, 2, 3]);
    expect(answers).toHaveLength(1);
  });

  it('of a session that has ended is dropped, and what comes right behind it, too', async () => {
    const { add, taken, answer } = inputOf();
    add(1, A);
    await answer(false);
    add(2, A);
    await answer(false);
    add(3, A);
    expect(taken).toEqual([]);
  });

  it('that waits is bounded, be it few large pieces or many small ones', async () => {
    for (const bytes of [new Uint8Array(16 * 1024), A]) {
      const { add, taken, answer } = inputOf();
      let held = 0;
      while (held < 100_000 && add(held + 1, bytes)) held += 1;
      expect(held).toBeGreaterThan(8);
      expect(held).toBeLessThan(100_000);
      await answer(true);
      expect(taken).toHaveLength(held);
      expect(add(held + 1, bytes)).toBe(true);
    }
  });
});
