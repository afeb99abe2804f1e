/** How long work may hold up the page before it lets others have their turn, ms: half of what a frame takes. */
const SLICE_MS = 8;

/**
 * Runs work that says by `yield` where it may be interrupted, a slice at a time, so that a page stays usable however
 * much there is to do. Throws what the work throws, and what the signal was aborted with.
 */
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

/** Timers are held back once they are nested; messages are not. */
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
