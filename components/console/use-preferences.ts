'use client';

import { useEffect, useState, useSyncExternalStore } from 'react';
import { DEFAULT_FONT_SIZE, FONT_SIZES } from '@/lib/console/terminal';

/** Terminal preferences, stored in this browser. */
type Preferences = { fontSize: number; forScreenReaders: boolean };

const KEY = 'sandkeeper.console';
const DEFAULTS: Preferences = { fontSize: DEFAULT_FONT_SIZE, forScreenReaders: false };

const listeners = new Set<() => void>();
let current: Preferences | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function read(): Preferences {
  current ??= parse(stored());
  return current;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function parse(text: string | null): Preferences {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (typeof value !== 'object' || value === null) return DEFAULTS;
    const { fontSize, forScreenReaders } = value as Partial<Record<keyof Preferences, unknown>>;
    return {
      fontSize: FONT_SIZES.find((size) => size === fontSize) ?? DEFAULT_FONT_SIZE,
      forScreenReaders: forScreenReaders === true,
    };
  } catch {
    return DEFAULTS;
  }
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, read, () => DEFAULTS);
}

export function changePreferences(change: Partial<Preferences>): void {
  current = { ...read(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Without storage, the change lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

/** The next larger or smaller font size; the default one for step 0. */
export function zoomed(fontSize: number, step: 1 | -1 | 0): number {
  if (step === 0) return DEFAULT_FONT_SIZE;
  const at = FONT_SIZES.findIndex((size) => size >= fontSize);
  return FONT_SIZES[Math.min(FONT_SIZES.length - 1, Math.max(0, at + step))] ?? DEFAULT_FONT_SIZE;
}

/** Shows the console page full screen. The whole document is, because dialogs must stay visible above it. */
export function useFullScreen(): { isFullScreen: boolean; toggleFullScreen: () => void } {
  const [isFullScreen, setIsFullScreen] = useState(false);
  useEffect(() => {
    const onChange = () => {
      if (document.fullscreenElement === null) setIsFullScreen(false);
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, []);
  function toggleFullScreen() {
    setIsFullScreen(!isFullScreen);
    // If the browser refuses, the console still fills the page.
    if (isFullScreen) void document.exitFullscreen?.().catch(() => {});
    else void document.documentElement.requestFullscreen?.().catch(() => {});
  }
  return { isFullScreen, toggleFullScreen };
}
