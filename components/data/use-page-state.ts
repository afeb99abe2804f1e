'use client';

import { useSyncExternalStore } from 'react';
import { type PageState, pageStatus, USABLE } from '@/lib/page-state';

// React calls `subscribe` in the browser only, so the server never creates the tab's singleton.
const subscribe = (listener: () => void) => pageStatus().subscribe(listener);

/** Whether the session of this page has ended, and whether the server was updated since it was loaded. */
export function usePageState(): PageState {
  return useSyncExternalStore(
    subscribe,
    () => pageStatus().state(),
    () => USABLE,
  );
}
