'use client';

import { loadWhenWanted } from '@/components/ui/lazy';

/** The dialog for a new sandbox, fetched when it is first opened. */
export const LazyNewSandboxDialog = loadWhenWanted(
  async () => (await import('./new-sandbox-dialog')).NewSandboxDialog,
  ({ open }) => open,
);
