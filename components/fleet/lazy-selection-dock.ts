'use client';

import { loadWhenWanted } from '@/components/ui/lazy';

/** The dock, fetched when something is selected or `preload` says that this is near. */
export const LazySelectionDock = loadWhenWanted(
  async () => (await import('./selection-dock')).SelectionDock,
  ({ rows, hidden }) => rows.length > 0 || hidden > 0,
);
