'use client';

import { useEffect, useRef } from 'react';
import type { ApiFailure } from '@/lib/api-client';
import { RETRY_MS } from '@/lib/files/browse/queries';

/**
 * Tries again every few seconds while the sandbox cannot be reached, as the queries of folders do. For views that read a
 * file piece by piece, without a query.
 */
export function useRetryWhileUnreachable(
  failure: ApiFailure | null,
  isLive: boolean,
  retry: () => void,
): void {
  const latest = useRef(retry);
  latest.current = retry;
  const isUnreachable = isLive && failure?.problem === 'unavailable';
  useEffect(() => {
    if (!isUnreachable) return;
    const timer = setInterval(() => latest.current(), RETRY_MS);
    return () => clearInterval(timer);
  }, [isUnreachable]);
}
