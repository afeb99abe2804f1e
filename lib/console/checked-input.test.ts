import { describe, expect, it } from 'vitest';
import { CheckedInput } from './checked-input';

/** Input whose session check is answered by the test. */
function inputOf() {
  const accepted: number[] = [];
  const answers: ((isValid: boolean) => void)[] = [];
  const clock = { nowMs: 0 };
  const input = new CheckedInput(
    { recheck: () => new Promise((resolve) => answers.push(resolve)) },
    () => clock.nowMs,
    ({ seq }) => accepted.push(seq),
  );
  const answer = async (isValid: boolean) => {
    answers.shift()?.(isValid);
    await new Promise(setImmediate);
  };
  const add = (seq: number, bytes: Uint8Array) => input.add({ seq, after: 0, bytes });
  return { add, accepted, answers, clock, answer };
}

const A = new Uint8Array([97]);

describe('input', () => {
  it('waits for one check of the session, in order, and then passes for a while', async () => {
    const { add, accepted, answers, clock, answer } = inputOf();
    add(1, A);
    add(2, A);
    expect(accepted).toEqual([]);
    await answer(true);
    add(3, A);
    expect(accepted).toEqual([1, 2, 3]);
    clock.nowMs += 1_000;
    add(4, A);
    expect(accepted).toEqual([1, 2, 3]);
    expect(answers).toHaveLength(1);
  });

  it('is dropped if the session has ended, with the input behind it', async () => {
    const { add, accepted, answer } = inputOf();
    add(1, A);
    await answer(false);
    add(2, A);
    await answer(false);
    add(3, A);
    expect(accepted).toEqual([]);
  });

  it('is limited while it waits, by bytes and by pieces', async () => {
    for (const bytes of [new Uint8Array(16 * 1024), A]) {
      const { add, accepted, answer } = inputOf();
      let held = 0;
      while (held < 100_000 && add(held + 1, bytes)) held += 1;
      expect(held).toBeGreaterThan(8);
      expect(held).toBeLessThan(100_000);
      await answer(true);
      expect(accepted).toHaveLength(held);
      expect(add(held + 1, bytes)).toBe(true);
    }
  });
});
