'use client';

import { type RefObject, useLayoutEffect, useState } from 'react';

/**
 * The inner width of an element, px. Follows its size without reading the layout while rendering. `assumedPx` until the
 * browser has measured it, as on the server.
 */
export function useWidth(element: RefObject<HTMLElement | null>, assumedPx: number): number {
  const [widthPx, setWidthPx] = useState(assumedPx);
  useLayoutEffect(() => {
    const measured = element.current;
    if (measured === null) return;
    // Hidden, it keeps the width that it had.
    const keep = (px: number) => px > 0 && setWidthPx(Math.floor(px));
    keep(measured.clientWidth);
    const observer = new ResizeObserver(([entry]) => entry && keep(entry.contentRect.width));
    observer.observe(measured);
    return () => observer.disconnect();
  }, [element]);
  return widthPx;
}
