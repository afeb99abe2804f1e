'use client';

import { loadWhenWanted } from './lazy';

/** The menu, fetched when the first one is opened or `preload` says that one is near. */
export const LazyMenu = loadWhenWanted(
  async () => (await import('./menu')).Menu,
  ({ anchor }) => anchor !== null,
);

/** The popover, likewise. */
export const LazyPopover = loadWhenWanted(
  async () => (await import('./popover')).Popover,
  ({ anchor }) => anchor !== null,
);
