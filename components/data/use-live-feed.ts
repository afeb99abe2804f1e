'use client';

import { useCallback, useSyncExternalStore } from 'react';
import type { LiveFeeds } from '@/lib/live/feeds';

const nothingYet = () => null;

/** The last message for `key`, `null` before the first. The server counts a subscriber as a viewer. */
export function useLiveFeed<State>(feeds: LiveFeeds<State>, key: string): State | null {
  const subscribe = useCallback((listener: () => void) => feeds.subscribe(key, listener), [feeds, key]);
  return useSyncExternalStore(subscribe, () => feeds.state(key), nothingYet);
}
