/** How long work may block the page, ms: half a frame. */
const SLICE_MS = 8;

/** Runs a generator in time slices and yields to the page in between. Throws errors of the work and the abort reason. */
export async function inSlices<T>(work: Generator<unknown, T, void>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const untilMs = performance.now() + SLICE_MS;
    do {
      const { done, value } = work.next();
      if (done) return value;
    } while (performance.now() < untilMs);
    await nextTurn();
    signal?.throwIfAborted();
  }
}

/** Uses a message, because browsers throttle nested timers. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
