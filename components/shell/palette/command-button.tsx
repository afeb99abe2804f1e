'use client';

import { Search } from 'lucide-react';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { isOnMac } from '@/components/ui/kbd';
import { loadWhenWanted } from '@/components/ui/lazy';
import { listenForKeys } from '@/lib/key-events';

const Palette = loadWhenWanted(
  async () => (await import('./palette')).Palette,
  ({ isOpen }) => isOpen,
  { holdsKeys: true },
);
const KeysHelp = loadWhenWanted(
  async () => (await import('@/components/ui/keys-help')).KeysHelp,
  ({ isOpen }) => isOpen,
  { holdsKeys: true },
);

type Open = 'palette' | 'keys' | null;

/** Opens the command palette by a click or ⌘K, and the list of keyboard shortcuts by `?`. */
export function CommandButton() {
  const [open, setOpen] = useState<Open>(null);
  const close = useCallback(() => setOpen(null), []);
  useKeys(setOpen);
  const isMac = useSyncExternalStore(never, isOnMac, () => false);
  return (
    <>
      <button
        type="button"
        aria-label="Commands"
        aria-haspopup="dialog"
        aria-keyshortcuts={isMac ? 'Meta+K' : 'Control+K'}
        title="Open the command palette"
        onPointerEnter={Palette.preload}
        onFocus={Palette.preload}
        onClick={() => setOpen('palette')}
        className="flex h-6 min-w-11 shrink-0 items-center justify-center rounded-sm border border-line bg-bg px-1.5 text-ink-2 text-small hover:bg-hover hover:text-ink pointer-coarse:size-8 pointer-coarse:min-w-0"
      >
        <span className="pointer-coarse:hidden">{isMac ? '⌘K' : 'Ctrl K'}</span>
        <Search aria-hidden className="hidden size-4 pointer-coarse:block" />
      </button>
      <Palette isOpen={open === 'palette'} onClose={close} onKeys={() => setOpen('keys')} />
      <KeysHelp isOpen={open === 'keys'} onClose={close} isMac={isMac} />
    </>
  );
}

const never = () => () => {};

const TYPING = 'input:not([type=checkbox]), textarea, select, [contenteditable]';
const DIALOG = ':is([role=dialog], [role=alertdialog]):not([data-closed])';

/** Handles ⌘K and `?` everywhere, except over an open dialog. */
function useKeys(setOpen: (next: (now: Open) => Open) => void): void {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const { key, metaKey, ctrlKey, altKey, shiftKey } = event;
      const isPaletteKey = key.toLowerCase() === 'k' && (metaKey || ctrlKey) && !altKey && !shiftKey;
      const isHelpKey = key === '?' && !metaKey && !ctrlKey && !altKey;
      if (!isPaletteKey && (!isHelpKey || isTyping(event.target))) return;
      const isUnderDialog = document.querySelector(DIALOG) !== null;
      // Also when the palette stays closed: the browser would focus its search field.
      if (isPaletteKey) event.preventDefault();
      setOpen((now) => {
        if (isPaletteKey && now === 'palette') return null;
        if (isUnderDialog) return now;
        return isPaletteKey ? 'palette' : 'keys';
      });
    }
    return listenForKeys(onKeyDown);
  }, [setOpen]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(TYPING) !== null;
}
