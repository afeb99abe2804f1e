'use client';

import { type ComponentType, useEffect, useState } from 'react';
import { toast } from 'sonner';

/**
 * A component whose code is fetched when it is first wanted, so that a page does not wait for what floats above it.
 * It draws nothing until `isWanted` says so for the first time, and stays mounted from then on to close in its own
 * time. `preload` starts fetching ahead, as when a pointer comes near. Where the code cannot be had, `onClose` takes
 * the input back and the page stays as it is.
 */
export function loadWhenWanted<P extends { onClose: () => void }>(
  load: () => Promise<ComponentType<P>>,
  isWanted: (props: P) => boolean,
  { reportsFailure = true } = {},
): ComponentType<P> & { preload: () => void } {
  let loaded: ComponentType<P> | null = null;
  const loadOnce = async () => {
    loaded ??= await load();
    return loaded;
  };

  function WhenWanted(props: P) {
    const [Loaded, setLoaded] = useState<ComponentType<P> | null>(null);
    const mustLoad = Loaded === null && isWanted(props);
    const { onClose } = props;
    // The network is the external system.
    useEffect(() => {
      if (!mustLoad) return;
      let isCurrent = true;
      loadOnce().then(
        (component) => isCurrent && setLoaded(() => component),
        () => {
          if (!isCurrent) return;
          if (reportsFailure) {
            toast.error('This could not be opened', {
              description: 'The connection seems to be lost. Nothing was changed.',
            });
          }
          onClose();
        },
      );
      return () => {
        isCurrent = false;
      };
    }, [mustLoad, onClose]);
    return Loaded === null ? null : <Loaded {...props} />;
  }
  return Object.assign(WhenWanted, { preload: () => void loadOnce().catch(() => {}) });
}
