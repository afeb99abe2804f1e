'use client';

import { useCallback, useEffect, useRef } from 'react';

const ENDS = ['mouseup', 'dragend'] as const;

/**
 * Returns a function that calls `act`, but while a button of the mouse is pressed only after its click. For a blur: `act`
 * may change the page beneath the pointer, and a click on an element that is gone by its end is lost. Taps end in a
 * press of the mouse, too.
 */
export function useAfterPress(act: () => void): () => void {
  const latest = useRef(act);
  latest.current = act;
  const isPressed = useRef(false);
  const waiting = useRef(false);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const press = () => {
      isPressed.current = true;
    };
    const release = () => {
      isPressed.current = false;
      if (!waiting.current) return;
      waiting.current = false;
      // The click follows in the same task.
      timer = setTimeout(() => latest.current(), 0);
    };
    document.addEventListener('mousedown', press, true);
    // A drag ends without `mouseup`. Mouse events outside the window arrive while a button is pressed.
    for (const end of ENDS) document.addEventListener(end, release, true);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('mousedown', press, true);
      for (const end of ENDS) document.removeEventListener(end, release, true);
    };
  }, []);

  return useCallback(() => {
    if (isPressed.current) waiting.current = true;
    else latest.current();
  }, []);
}
