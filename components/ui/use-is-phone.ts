'use client';

import { useSyncExternalStore } from 'react';

/** As the variant `max-sm` of the styles. */
const PHONE = '(max-width: 639.98px)';

/** Whether the window is too narrow for a table: rows then take two lines. */
export function useIsPhone(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => window.matchMedia(PHONE).matches,
    () => false,
  );
}

function subscribe(listener: () => void): () => void {
  const query = window.matchMedia(PHONE);
  query.addEventListener('change', listener);
  return () => query.removeEventListener('change', listener);
}
