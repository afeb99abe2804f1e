import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { joinSignals } from './joined-signal';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('aborts at its limit, and with each of its signals, although nothing else holds them', async () => {
  let aborted = 0;
  const reasons = new Set<string>();
  for (let made = 0; made < 100; made += 1) {
    const { signal } = joinSignals([new AbortController().signal], 100);
    const { signal: other } = joinSignals([AbortSignal.timeout(100), new AbortController().signal]);
    for (const each of [signal, other])
      each.addEventListener('abort', () => {
        aborted += 1;
        reasons.add(each.reason.name);
      });
  }
  const endMs = Date.now() + 5_000;
  while (aborted < 200 && Date.now() < endMs) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(aborted).toBe(200);
  expect([...reasons]).toEqual(['TimeoutError']);
});

it('aborts at once with a signal that is aborted, and not after its release', async () => {
  expect(joinSignals([AbortSignal.abort('over')]).signal.reason).toBe('over');
  const source = new AbortController();
  const { signal, release } = joinSignals([source.signal], 10);
  release();
  source.abort();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(signal.aborted).toBe(false);
});
