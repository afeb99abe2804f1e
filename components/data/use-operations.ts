'use client';

import { useSyncExternalStore } from 'react';
import { useNow } from '@/components/ui/clock';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';

const NONE: readonly OperationView[] = [];

// React calls `subscribe` in the browser only, so the server never creates the tab's singleton.
const subscribe = (listener: () => void) => operationProgress().subscribe(listener);

/** Running and recently ended operations, newest first. Empty on the server. */
export function useOperations(): readonly OperationView[] {
  return useSyncExternalStore(
    subscribe,
    () => operationProgress().views(),
    () => NONE,
  );
}

/** `useNow` in server time, which deadlines are compared with. `renderedAtMs` is used for server rendering. */
export function useServerNow<T extends string | number | boolean | null>(
  derive: (serverNowMs: number) => T,
  renderedAtMs: number,
): T {
  return useNow(derive, renderedAtMs);
}
