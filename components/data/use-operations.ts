'use client';

import { useSyncExternalStore } from 'react';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';

const NONE: readonly OperationView[] = [];

// React calls `subscribe` in the browser only, so the tab's singleton is never made on the server.
const subscribe = (listener: () => void) => operationProgress().subscribe(listener);

/** Operations under way and those that ended lately, newest first; none on the server. */
export function useOperations(): readonly OperationView[] {
  return useSyncExternalStore(
    subscribe,
    () => operationProgress().views(),
    () => NONE,
  );
}
