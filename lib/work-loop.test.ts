import { expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from './test-support/environment';
import { WorkLoop } from './work-loop';

function openLoop(work: () => Promise<number>): WorkLoop {
  const loop = new WorkLoop({ work, failureMessage: 'The work failed:' });
  onTestFinished(() => loop.close());
  return loop;
}

it('runs once at a time and once more after pokes during a run', async () => {
  const gates: (() => void)[] = [];
  const loop = openLoop(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return 60_000;
  });
  loop.poke();
  loop.poke();
  loop.poke();
  expect(gates).toHaveLength(1);
  gates[0]?.();
  await eventually(() => gates.length === 2);
  gates[1]?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gates).toHaveLength(2);
});

it('runs again after the returned delay', async () => {
  const atMs: number[] = [];
  openLoop(async () => {
    atMs.push(Date.now());
    return 100;
  }).poke();
  await eventually(() => atMs.length === 3);
  expect((atMs[2] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThanOrEqual(190);
});

it('retries after a failure and logs it once', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  let failures = 0;
  let successes = 0;
  openLoop(async () => {
    if (failures < 2) {
      failures += 1;
      throw new Error('no database');
    }
    successes += 1;
    return 60_000;
  }).poke();
  await eventually(() => successes === 1);
  expect(error).toHaveBeenCalledTimes(1);
});

it('waits for the current run when closed and does not run again', async () => {
  let runs = 0;
  const loop = openLoop(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    runs += 1;
    return 1;
  });
  loop.poke();
  await loop.close();
  expect(runs).toBe(1);
  loop.poke();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(runs).toBe(1);
});
