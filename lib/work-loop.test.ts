import { expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from './test-support/environment';
import { WorkLoop } from './work-loop';

function taking(turn: () => Promise<number>): WorkLoop {
  const turns = new WorkLoop({ turn, doing: 'Nothing goes on:' });
  onTestFinished(() => turns.close());
  return turns;
}

it('turns are taken one at a time, and once more for whoever pokes meanwhile', async () => {
  const gates: (() => void)[] = [];
  const turns = taking(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return 60_000;
  });
  turns.poke();
  turns.poke();
  turns.poke();
  expect(gates).toHaveLength(1);
  gates[0]?.();
  await eventually(() => gates.length === 2);
  gates[1]?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gates).toHaveLength(2);
});

it('the next one comes by itself after the time that the last one answered', async () => {
  const atMs: number[] = [];
  taking(async () => {
    atMs.push(Date.now());
    return 100;
  }).poke();
  await eventually(() => atMs.length === 3);
  expect((atMs[2] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThanOrEqual(190);
});

it('failures are said once, and tried again', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  let failures = 0;
  let good = 0;
  taking(async () => {
    if (failures < 2) {
      failures += 1;
      throw new Error('away');
    }
    good += 1;
    return 60_000;
  }).poke();
  await eventually(() => good === 1);
  expect(error).toHaveBeenCalledTimes(1);
});

it('none is taken after the end, which waits for the one under way', async () => {
  let isOver = false;
  const turns = taking(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    isOver = true;
    return 1;
  });
  turns.poke();
  await turns.close();
  expect(isOver).toBe(true);
  isOver = false;
  turns.poke();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isOver).toBe(false);
});
