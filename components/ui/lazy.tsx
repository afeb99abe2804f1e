'use client';

import { type ComponentType, useEffect, useEffectEvent, useState } from 'react';
import { holdKeys } from '@/components/ui/held-keys';
import { toast } from '@/components/ui/toast';
import { reloadPage } from '@/lib/kept-text';
import { checkPage, pageStatus } from '@/lib/page-state';

/** Says why code could not be loaded: the server has another build, or it could not be reached. */
async function reportMissing(): Promise<void> {
  await checkPage();
  const { isOutdated } = pageStatus().state();
  toast.error('Could not open this', {
    description: isOutdated
      ? 'Sandkeeper was updated since this page was loaded. Nothing was changed.'
      : 'Check your connection and try again. Nothing was changed.',
    ...(isOutdated ? { action: { label: 'Reload', onClick: reloadPage } } : {}),
  });
}

/**
 * Wraps a component whose code is loaded when `isWanted` first returns true, so that pages do not wait for floating
 * parts. It then stays mounted, because it animates its own closing. `preload` starts loading early, for example on
 * hover. If loading fails, `onClose` is called and, with `reportsFailure`, a toast is shown. With `holdsKeys`, for dialogs,
 * keys pressed before it has the focus do not reach the page behind it.
 */
export function loadWhenWanted<P extends { onClose: () => void }>(
  load: () => Promise<ComponentType<P>>,
  isWanted: (props: P) => boolean,
  { reportsFailure = true, holdsKeys = false } = {},
): ComponentType<P> & { preload: () => void } {
  let loaded: ComponentType<P> | null = null;
  const loadOnce = async () => {
    loaded ??= await load();
    return loaded;
  };

  function WhenWanted(props: P) {
    const [Loaded, setLoaded] = useState<ComponentType<P> | null>(null);
    const isNow = isWanted(props);
    const mustLoad = Loaded === null && isNow;
    const { onClose } = props;
    const cancel = useEffectEvent(() => onClose());
    // Later it opens at once.
    const hold = useEffectEvent(() => (mustLoad && holdsKeys ? holdKeys(cancel) : undefined));
    useEffect(() => (isNow ? hold() : undefined), [isNow]);
    useEffect(() => {
      if (!mustLoad) return;
      let isCurrent = true;
      loadOnce().then(
        (component) => isCurrent && setLoaded(() => component),
        () => {
          if (!isCurrent) return;
          if (reportsFailure) void reportMissing();
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
