import { joinSignals } from '../../joined-signal';

/**
 * Reads keys in order, up to `concurrency` at a time. Ending the iteration aborts reads in progress. A failure is thrown in
 * its turn.
 */
export async function* readAhead<Key, Value>(
  keys: Iterable<Key>,
  read: (key: Key, signal: AbortSignal) => Promise<Value>,
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
): AsyncGenerator<readonly [Key, Value]> {
  const leaving = new AbortController();
  const { signal: either, release } = joinSignals([signal, leaving.signal]);
  const rest = keys[Symbol.iterator]();
  const pending: { key: Key; value: Promise<Value> }[] = [];
  const start = () => {
    const { done, value: key } = rest.next();
    if (done) return;
    const value = read(key, either);
    // The iteration may end before this value is awaited.
    value.catch(() => {});
    pending.push({ key, value });
  };
  try {
    for (let count = 0; count < concurrency; count += 1) start();
    for (let first = pending.shift(); first; first = pending.shift()) {
      const value = await first.value;
      start();
      yield [first.key, value];
    }
  } finally {
    leaving.abort();
    release();
  }
}
