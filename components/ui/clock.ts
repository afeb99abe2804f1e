'use client';

import { useSyncExternalStore } from 'react';

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const notify of listeners) notify();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/**
 * Returns `derive(now)`, computed every second. The component renders only when the value changes.
 * `serverNowMs` is the time at which the server rendered the page, for identical markup on hydration.
 * `inTime` converts a time of the browser's clock to the clock that `serverNowMs` is in.
 */
export function useNow<T extends string | number | boolean | null>(
  derive: (nowMs: number) => T,
  serverNowMs: number,
  inTime: (browserMs: number) => number = (browserMs) => browserMs,
): T {
  return useSyncExternalStore(
    subscribe,
    () => derive(inTime(Math.floor(Date.now() / TICK_MS) * TICK_MS)),
    () => derive(serverNowMs),
  );
}
