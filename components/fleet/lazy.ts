'use client';

import { loadWhenWanted } from '@/components/ui/lazy';

/** The dialog for a new sandbox, loaded when it first opens. */
export const LazyNewSandboxDialog = loadWhenWanted(
  async () => (await import('./new-sandbox-dialog')).NewSandboxDialog,
  ({ open }) => open,
  { holdsKeys: true },
);

/** The dock, loaded on `preload` or when the selection is not empty. */
export const LazySelectionDock = loadWhenWanted(
  async () => (await import('./selection-dock')).SelectionDock,
  ({ rows, hidden }) => rows.length > 0 || hidden > 0,
);
