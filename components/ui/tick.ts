'use client';

import { useEffect, useState } from 'react';

/** The time, epoch ms, again every `everyMs`: for what changes faster than the clock of `useNow`. In the browser only. */
export function useTick(everyMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
