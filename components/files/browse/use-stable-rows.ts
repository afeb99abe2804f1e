'use client';

import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { type HeldRows, holdRows, releaseRows, type TreeRow } from '@/lib/files/browse/tree';

type Options = {
  /** Identifies the request. When it changes, rows update at once. */
  request: string;
  scroller: RefObject<HTMLElement | null>;
  rowPx: number;
  headerPx: number;
  pointed: RefObject<string | null>;
};

/**
 * Updates `rows` without moving the hovered row, or else the first visible one, by scrolling. If scrolling cannot do that,
 * it holds the rows under the pointer and counts changes until `update`.
 */
export function useStableRows(
  rows: readonly TreeRow[],
  { request, scroller, rowPx, headerPx, pointed }: Options,
) {
  const [stable, setStable] = useState<{ source: typeof rows; request: string; shown: HeldRows }>(() => ({
    source: rows,
    request,
    shown: releaseRows(rows),
  }));
  const scrollTo = useRef<number | null>(null);
  let { shown } = stable;
  if (stable.request !== request) {
    shown = releaseRows(rows);
    setStable({ source: rows, request, shown });
  }

  // Positions need the DOM.
  useLayoutEffect(() => {
    if (stable.source === rows || stable.request !== request) return;
    const element = scroller.current;
    const top = element?.scrollTop ?? 0;
    const anchor = pointed.current ?? (top > 0 ? stable.shown.rows[Math.ceil(top / rowPx)]?.key : undefined);
    const moved = anchor === undefined ? 0 : moveOf(anchor, stable.shown.rows, rows);
    const wanted = top + moved * rowPx;
    const max = Math.max(headerPx + rows.length * rowPx - (element?.clientHeight ?? 0), 0);
    const canFollow = moved === 0 || (wanted >= 0 && wanted <= max);
    if (!canFollow && pointed.current !== null) {
      setStable({ source: rows, request, shown: holdRows(stable.shown.rows, rows) });
      return;
    }
    if (moved !== 0 && canFollow) scrollTo.current = wanted;
    setStable({ source: rows, request, shown: releaseRows(rows) });
  }, [rows, request, stable, scroller, rowPx, headerPx, pointed]);

  // Scrolls after the update and before paint.
  useLayoutEffect(() => {
    if (scrollTo.current === null || !scroller.current) return;
    scroller.current.scrollTop = scrollTo.current;
    scrollTo.current = null;
  });

  return { ...shown, update: () => setStable({ source: rows, request, shown: releaseRows(rows) }) };
}

/** How many rows the row with `key` has moved. NaN if it was deleted. */
function moveOf(key: string, before: readonly TreeRow[], now: readonly TreeRow[]): number {
  const from = before.findIndex((row) => row.key === key);
  if (from < 0) return 0;
  const to = now.findIndex((row) => row.key === key);
  return to < 0 ? Number.NaN : to - from;
}
