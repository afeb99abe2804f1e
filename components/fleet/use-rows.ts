'use client';

import { useMemo, useState } from 'react';
import { serverNow, useNow } from '@/components/ui/clock';
import { filterInForce } from '@/lib/fleet/filter/in-force';
import { type HeldRows, holdRows, releaseRows } from '@/lib/fleet/held-rows';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { RowSorter } from '@/lib/fleet/row-sorter';
import type { Sort } from '@/lib/fleet/sort';
import { type FirstScreen, filterRows, indexFleets } from '@/lib/fleet/view';

/** Filters by these fields match different rows as time passes. */
const TIMED_FIELDS: ReadonlySet<string> = new Set(['age', 'up', 'left']);
const REFILTER_INTERVAL_MS = 2_000;

/** The rows that the filter on screen selects, sorted, and the part of the filter in force. */
export function useMatchingRows(
  rows: readonly IndexedSandbox[] | null,
  first: FirstScreen,
  { text, sort }: { text: string; sort: Sort },
) {
  const { key, direction } = sort;
  const [sorter] = useState(() => new RowSorter());
  const sorted = useMemo(
    () => (rows === null ? indexFleets(first) : sorter.sort(rows, { key, direction })),
    [rows, first, sorter, key, direction],
  );
  const { kind, filter, error } = useMemo(() => filterInForce(text), [text]);
  const isTimed = filter?.some((term) => term.kind === 'compare' && TIMED_FIELDS.has(term.field)) ?? false;
  const nowMs = useNow(
    (now) => (isTimed ? Math.floor(now / REFILTER_INTERVAL_MS) * REFILTER_INTERVAL_MS : null),
    first.nowMs,
  );
  const matching = useMemo(() => filterRows(sorted, filter, nowMs ?? serverNow()), [sorted, filter, nowMs]);
  return { matching, filter, error, isWrong: kind === 'wrong' };
}

/**
 * Keeps `rows` in their places while `held`. `all` is the fleet that they were filtered from. A change of `request`,
 * the filter and sort order, shows the new rows at once, as `update` does.
 */
export function useStableRows(
  rows: readonly IndexedSandbox[],
  { all, held, request }: { all: readonly IndexedSandbox[]; held: boolean; request: string },
) {
  const [stable, setStable] = useState<{ source: typeof rows; request: string; shown: HeldRows }>(() => ({
    source: rows,
    request,
    shown: releaseRows(rows),
  }));
  const isCurrent = stable.source === rows && stable.request === request;
  const isHeld = held && stable.request === request;
  let { shown } = stable;
  if (isHeld && !isCurrent) shown = holdRows(shown.rows, rows, all);
  else if (!isHeld && shown.rows !== rows) shown = releaseRows(rows);
  if (shown !== stable.shown) setStable({ source: rows, request, shown });
  return { ...shown, update: () => setStable({ source: rows, request, shown: releaseRows(rows) }) };
}
