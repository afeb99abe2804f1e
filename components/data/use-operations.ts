'use client';

import { useSyncExternalStore } from 'react';
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
