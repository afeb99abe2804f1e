'use client';

import { loadWhenWanted } from './lazy';

/** The menu, loaded when one first opens or on `preload`. */
export const LazyMenu = loadWhenWanted(
  async () => (await import('./menu')).Menu,
  ({ anchor }) => anchor !== null,
);

/** The popover, loaded when one first opens or on `preload`. */
export const LazyPopover = loadWhenWanted(
  async () => (await import('./popover')).Popover,
  ({ anchor }) => anchor !== null,
);
