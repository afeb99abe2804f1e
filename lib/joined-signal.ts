/** A signal that aborts with the first of others, or at a time limit. Release it when the work is over. */
export type JoinedSignal = { signal: AbortSignal; release: () => void };

/** The longest time that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Joins signals and a limit in ms. Use this instead of `AbortSignal.any`: that holds its sources weakly, so Node.js collects
 * an `AbortSignal.timeout` among them and the limit is lost. The reason at the limit is a `TimeoutError`.
 */
export function joinSignals(signals: readonly AbortSignal[], limitMs?: number): JoinedSignal {
  const controller = new AbortController();
  const release = () => {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
  };
  const abort = (reason: unknown) => {
    release();
    controller.abort(reason);
  };
  const onAbort = ({ target }: Event) => abort((target as AbortSignal).reason);
  const giveUp = () => abort(new DOMException('Out of time.', 'TimeoutError'));
  const timer = limitMs === undefined ? undefined : setTimeout(giveUp, Math.min(limitMs, MAX_TIMER_MS));
  const aborted = signals.find((signal) => signal.aborted);
  if (aborted) abort(aborted.reason);
  else for (const signal of signals) signal.addEventListener('abort', onAbort);
  return { signal: controller.signal, release };
}
