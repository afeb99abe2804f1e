'use client';

import { useCallback, useSyncExternalStore } from 'react';
import type { LiveFeeds } from '@/lib/live/feeds';

const unheard = () => null;

/** What was last said of `key`; `null` until the server has said. Listening counts as looking. */
export function useLiveFeed<State>(feeds: LiveFeeds<State>, key: string): State | null {
  // React subscribes in the browser only, so nothing is ever listened to on the server.
  const subscribe = useCallback((listener: () => void) => feeds.subscribe(key, listener), [feeds, key]);
  return useSyncExternalStore(subscribe, () => feeds.state(key), unheard);
}
