'use client';

import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { type HeldRows, holdRows, releaseRows, type TreeRow } from '@/lib/files/browse/tree';

type Options = {
  /** Names what the person asked to see: when that changes, rows follow at once. */
  asked: string;
  scroller: RefObject<HTMLElement | null>;
  rowPx: number;
  /** What stands above the rows and scrolls with them. */
  headerPx: number;
  /** The key of the row that a pointer is over. */
  pointed: RefObject<string | null>;
};

/**
 * `rows`, such that what is new moves nothing that is being looked at: the row under the pointer, or else the first in
 * sight, keeps its place on the screen. Where scrolling cannot see to that, rows stand still under the pointer and the
 * rest is counted, until `update`.
 */
export function useSteadyRows(
  rows: readonly TreeRow[],
  { asked, scroller, rowPx, headerPx, pointed }: Options,
) {
  const [steady, setSteady] = useState<{ source: typeof rows; asked: string; shown: HeldRows }>(() => ({
    source: rows,
    asked,
    shown: releaseRows(rows),
  }));
  const scrollTo = useRef<number | null>(null);
  let { shown } = steady;
  if (steady.asked !== asked) {
    shown = releaseRows(rows);
    setSteady({ source: rows, asked, shown });
  }

  // Where things stand on the screen is known to the document alone.
  useLayoutEffect(() => {
    if (steady.source === rows || steady.asked !== asked) return;
    const element = scroller.current;
    const top = element?.scrollTop ?? 0;
    const anchor = pointed.current ?? (top > 0 ? steady.shown.rows[Math.ceil(top / rowPx)]?.key : undefined);
    const moved = anchor === undefined ? 0 : moveOf(anchor, steady.shown.rows, rows);
    const wanted = top + moved * rowPx;
    const most = Math.max(headerPx + rows.length * rowPx - (element?.clientHeight ?? 0), 0);
    const canFollow = moved === 0 || (wanted >= 0 && wanted <= most);
    if (!canFollow && pointed.current !== null) {
      setSteady({ source: rows, asked, shown: holdRows(steady.shown.rows, rows) });
      return;
    }
    if (moved !== 0 && canFollow) scrollTo.current = wanted;
    setSteady({ source: rows, asked, shown: releaseRows(rows) });
  }, [rows, asked, steady, scroller, rowPx, headerPx, pointed]);

  // Once the rows stand there, before anybody sees them.
  useLayoutEffect(() => {
    if (scrollTo.current === null || !scroller.current) return;
    scroller.current.scrollTop = scrollTo.current;
    scrollTo.current = null;
  });

  return { ...shown, update: () => setSteady({ source: rows, asked, shown: releaseRows(rows) }) };
}

/** By how many rows the row with `key` has moved; not a number where it is gone, which no scrolling makes up for. */
function moveOf(key: string, before: readonly TreeRow[], now: readonly TreeRow[]): number {
  const from = before.findIndex((row) => row.key === key);
  if (from < 0) return 0;
  const to = now.findIndex((row) => row.key === key);
  return to < 0 ? Number.NaN : to - from;
}
