/**
 * Reads what is listed one after the other, `most` at a time, so that whoever works on one does not wait for the whole
 * way of the next. What is under way when that is enough is ended by the signal that `read` is given. Throws as `read`
 * does, when it is that one's turn.
 */
export async function* readAhead<Key, Value>(
  keys: Iterable<Key>,
  read: (key: Key, signal: AbortSignal) => Promise<Value>,
  { most, signal }: { most: number; signal: AbortSignal },
): AsyncGenerator<readonly [Key, Value]> {
  const leaving = new AbortController();
  const either = AbortSignal.any([signal, leaving.signal]);
  const rest = keys[Symbol.iterator]();
  const underWay: { key: Key; value: Promise<Value> }[] = [];
  const start = () => {
    const { done, value: key } = rest.next();
    if (done) return;
    const value = read(key, either);
    // Nobody may come to wait for it.
    value.catch(() => {});
    underWay.push({ key, value });
  };
  try {
    for (let count = 0; count < most; count += 1) start();
    for (let first = underWay.shift(); first; first = underWay.shift()) {
      const value = await first.value;
      start();
      yield [first.key, value];
    }
  } finally {
    leaving.abort();
  }
}
