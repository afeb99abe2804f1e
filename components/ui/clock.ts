'use client';

import { useState, useSyncExternalStore } from 'react';
import { tabClock } from '@/lib/live/server-clock';

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
 * `now` is the server's time, because the browser's clock may be wrong.
 */
export function useNow<T extends string | number | boolean | null>(
  derive: (nowMs: number) => T,
  serverNowMs: number,
): T {
  return useClock(derive, serverNowMs, serverTime);
}

/**
 * `useNow` on the clock of a connection's service, which the starts and deadlines of its sandboxes are on. Here `serverNowMs`
 * is that service's time, too.
 */
export function useServiceNow<T extends string | number | boolean | null>(
  connection: string,
  derive: (serviceNowMs: number) => T,
  serverNowMs: number,
): T {
  return useClock(derive, serverNowMs, (browserMs) => tabClock.serviceAt(connection, browserMs));
}

/**
 * What Sandkeeper's clock shows at a time that a connection's service reports, so that people can compare it with their own
 * clock. `servedAheadMs`: how far the service's clock is ahead, as the server knew it when it rendered the page.
 */
export function useServiceTime(connection: string, serviceMs: number, servedAheadMs: number): number {
  return useSyncExternalStore(
    subscribe,
    () => serviceMs - tabClock.serviceAheadMs(connection, servedAheadMs),
    () => serviceMs - servedAheadMs,
  );
}

/** Until the fleet arrives, times are compared with the clock of the service as the server knew it. */
export function useAssumedClock(connection: string, servedAheadMs: number): void {
  useState(() => {
    if (typeof window !== 'undefined') tabClock.assumeService(connection, servedAheadMs);
  });
}

/** The server's time, to compare with once. Browser only. */
export function serverNow(): number {
  return tabClock.at(Date.now());
}

/** The time on the clock of a connection's service, to compare a start or a deadline with once. Browser only. */
export function serviceNow(connection: string): number {
  return tabClock.serviceAt(connection, Date.now());
}

/** What the clock of a connection's service shows at this time of the server. */
export function onServiceClock(connection: string, serverMs: number): number {
  return serverMs + tabClock.serviceAheadMs(connection);
}

const serverTime = (browserMs: number) => tabClock.at(browserMs);

function useClock<T extends string | number | boolean | null>(
  derive: (nowMs: number) => T,
  serverNowMs: number,
  inTime: (browserMs: number) => number,
): T {
  return useSyncExternalStore(
    subscribe,
    () => derive(inTime(Math.floor(Date.now() / TICK_MS) * TICK_MS)),
    () => derive(serverNowMs),
  );
}
