'use client';

import { useSyncExternalStore } from 'react';
import { rememberInCookie } from './cookie';
import { parseTheme, THEME_COOKIE, type Theme } from './theme';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The chosen theme. `served` is the theme that the server rendered. */
export function useTheme(served: Theme): Theme {
  return useSyncExternalStore(
    subscribe,
    () => parseTheme(document.documentElement.dataset.theme),
    () => served,
  );
}

/** Changes the theme of this page and of later ones. */
export function chooseTheme(theme: Theme): void {
  rememberInCookie(THEME_COOKIE, theme);
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}
