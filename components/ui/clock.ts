'use client';

import { useSyncExternalStore } from 'react';

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const tell of listeners) tell();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/**
 * `derive(now)`, again every second; the component renders only when the answer differs, so answer text or a number.
 * `serverNowMs` is the moment the page was made, so that both renderings agree. `inTime` turns a moment of this browser's
 * clock into that of another, which `serverNowMs` is in already: what is learnt of it before the page is hydrated must
 * not change what the page says.
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
