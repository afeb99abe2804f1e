'use client';

import { type RefObject, useEffect, useRef } from 'react';
import { ROW_KEYS } from '@/components/ui/row-keys';
import { listenForKeys } from '@/lib/key-events';

const ABOVE_THE_PAGE = ':is([role=dialog], [role=alertdialog], [role=menu], [role=listbox]):not([hidden])';

/**
 * Lets the keys that move between rows work while nothing has the focus, as after the page has loaded. The grid takes the
 * focus. Keys that change something need the focus in the grid.
 */
export function useArrowsIntoGrid(grid: RefObject<HTMLElement | null>, onMove: (key: string) => void): void {
  const latest = useRef(onMove);
  useEffect(() => {
    latest.current = onMove;
  });
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
      if (event.target !== document.body || event.defaultPrevented || !Object.hasOwn(ROW_KEYS, key)) return;
      if (altKey || ctrlKey || metaKey || shiftKey || document.querySelector(ABOVE_THE_PAGE)) return;
      event.preventDefault();
      grid.current?.focus({ preventScroll: true });
      latest.current(key);
    }
    return listenForKeys(onKeyDown);
  }, [grid]);
}
