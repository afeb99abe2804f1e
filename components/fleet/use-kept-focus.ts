'use client';

import { type RefObject, useLayoutEffect, useRef } from 'react';

/**
 * Keeps the focus in the grid when the row that has it disappears: it would fall to the body, and the keyboard would have
 * to start again at the top of the page. Returns handlers for the grid.
 */
export function useKeptFocus(grid: RefObject<HTMLElement | null>, onFocus: () => void) {
  const isWithin = useRef(false);
  // After every rendering: React dispatches no blur for an element that it removes.
  useLayoutEffect(() => {
    if (isWithin.current && document.activeElement === document.body)
      grid.current?.focus({ preventScroll: true });
  });
  return {
    onFocus: () => {
      isWithin.current = true;
      onFocus();
    },
    onBlur: () => {
      isWithin.current = false;
    },
  };
}
