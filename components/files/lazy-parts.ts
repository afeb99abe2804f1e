'use client';

import { loadWhenWanted } from '@/components/ui/lazy';

// Loaded on first use.

export const ArchiveDialog = loadWhenWanted(
  async () => (await import('./transfer/archive-dialog')).ArchiveDialog,
  ({ entries }) => entries !== null,
  { holdsKeys: true },
);

export const ConflictDialog = loadWhenWanted(
  async () => (await import('./transfer/conflict-dialog')).ConflictDialog,
  ({ upload }) => upload !== null,
  { holdsKeys: true },
);

export const NameDialog = loadWhenWanted(
  async () => (await import('./change/name-dialog')).NameDialog,
  ({ request }) => request !== null,
  { holdsKeys: true },
);

export const DeleteDialog = loadWhenWanted(
  async () => (await import('./change/delete-dialog')).DeleteDialog,
  ({ entries }) => entries !== null,
  { holdsKeys: true },
);

export const QuickOpen = loadWhenWanted(
  async () => (await import('./search/quick-open')).QuickOpen,
  ({ isOpen }) => isOpen,
  { holdsKeys: true },
);

export const SearchPanel = loadWhenWanted(
  async () => (await import('./search/search-panel')).SearchPanel,
  ({ isOpen }) => isOpen,
);
