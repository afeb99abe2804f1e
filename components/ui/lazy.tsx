'use client';

import { type ComponentType, lazy, Suspense, useState } from 'react';

/**
 * A component whose code is fetched when it is first wanted, so that a page does not wait for what floats above it.
 * It draws nothing until `isWanted` says so for the first time, and stays mounted from then on to close in its own
 * time. `preload` starts fetching ahead, as when a pointer comes near.
 */
export function loadWhenWanted<P extends object>(
  load: () => Promise<ComponentType<P>>,
  isWanted: (props: P) => boolean,
): ComponentType<P> & { preload: () => void } {
  let loading: Promise<ComponentType<P>> | null = null;
  const loadOnce = () => {
    loading ??= load().catch((error) => {
      // The next attempt may have a network again.
      loading = null;
      throw error;
    });
    return loading;
  };
  const Loaded = lazy(async () => ({ default: await loadOnce() }));

  function WhenWanted(props: P) {
    const [wasWanted, setWasWanted] = useState(false);
    if (!wasWanted && isWanted(props)) setWasWanted(true);
    return wasWanted ? (
      <Suspense fallback={null}>
        <Loaded {...props} />
      </Suspense>
    ) : null;
  }
  return Object.assign(WhenWanted, { preload: () => void loadOnce().catch(() => {}) });
}
