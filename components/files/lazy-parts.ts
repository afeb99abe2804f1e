'use client';

import { loadWhenWanted } from '@/components/ui/lazy';

// Loaded on first use.

export const ArchiveDialog = loadWhenWanted(
  async () => (await import('./transfer/archive-dialog')).ArchiveDialog,
  ({ entries }) => entries !== null,
);

export const ConflictDialog = loadWhenWanted(
  async () => (await import('./transfer/conflict-dialog')).ConflictDialog,
  ({ upload }) => upload !== null,
);

export const NameDialog = loadWhenWanted(
  async () => (await import('./change/name-dialog')).NameDialog,
  ({ request }) => request !== null,
);

export const DeleteDialog = loadWhenWanted(
  async () => (await import('./change/delete-dialog')).DeleteDialog,
  ({ entries }) => entries !== null,
);

export const QuickOpen = loadWhenWanted(
  async () => (await import('./search/quick-open')).QuickOpen,
  ({ isOpen }) => isOpen,
);

export const SearchPanel = loadWhenWanted(
  async () => (await import('./search/search-panel')).SearchPanel,
  ({ isOpen }) => isOpen,
);
