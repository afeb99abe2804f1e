'use client';

import { useEffect, useState } from 'react';

/** The time in epoch ms, updated every `everyMs`, for values that change faster than once a second. In the browser only. */
export function useTick(everyMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
