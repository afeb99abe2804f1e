'use client';

import { useMemo, useState } from 'react';
import { useNow } from '@/components/ui/clock';
import { readWhileTyping } from '@/lib/fleet/filter/edit';
import { parseFilter } from '@/lib/fleet/filter/filter';
import { type HeldRows, hold, release } from '@/lib/fleet/hold';
import { type IndexedSandbox, indexSandbox } from '@/lib/fleet/row-index';
import { type Sort, sortRows } from '@/lib/fleet/sort';
import { type FirstScreen, filterRows } from '@/lib/fleet/view';

/** What passes a filter by these changes by itself as time goes on. */
const TIMED_FIELDS: ReadonlySet<string> = new Set(['age', 'left']);
const LOOK_EVERY_MS = 2_000;

/** Rows that pass the filter, in order, and the filter's error if it has one: then the last valid filter stays. */
export function useMatchingRows(
  rows: readonly IndexedSandbox[] | null,
  first: FirstScreen,
  { text, sort }: { text: string; sort: Sort },
) {
  const { key, direction } = sort;
  const sorted = useMemo(
    () => (rows === null ? first.sandboxes.map(indexSandbox) : sortRows(rows, { key, direction })),
    [rows, first, key, direction],
  );
  const parsed = useMemo(() => {
    const read = parseFilter(text);
    return read.ok ? { ...read, filter: readWhileTyping(text, read.filter) } : read;
  }, [text]);
  const [lastValid, setLastValid] = useState(parsed.filter);
  if (parsed.ok && parsed.filter !== lastValid) setLastValid(parsed.filter);
  const filter = parsed.ok ? parsed.filter : lastValid;
  const isTimed = filter.some((term) => term.kind === 'compare' && TIMED_FIELDS.has(term.field));
  const nowMs = useNow(
    (now) => (isTimed ? Math.floor(now / LOOK_EVERY_MS) * LOOK_EVERY_MS : null),
    first.nowMs,
  );
  const matching = useMemo(
    // Until the fleet is here, these are the rows that the server has filtered by its own clock.
    () => (rows === null ? sorted : filterRows(sorted, filter, nowMs ?? Date.now())),
    [rows, sorted, filter, nowMs],
  );
  return { matching, filter, error: parsed.ok ? null : parsed.error };
}

/**
 * `rows`, but standing still while `held`. `all` is the fleet that they were filtered from, `asked` names what the
 * person asked to see: when that changes, rows follow at once, as they do after `update`.
 */
export function useSteadyRows(
  rows: readonly IndexedSandbox[],
  { all, held, asked }: { all: readonly IndexedSandbox[]; held: boolean; asked: string },
) {
  const [steady, setSteady] = useState<{ source: typeof rows; asked: string; shown: HeldRows }>(() => ({
    source: rows,
    asked,
    shown: release(rows),
  }));
  const isCurrent = steady.source === rows && steady.asked === asked;
  const isHeld = held && steady.asked === asked;
  let { shown } = steady;
  if (isHeld && !isCurrent) shown = hold(shown.rows, rows, all);
  else if (!isHeld && shown.rows !== rows) shown = release(rows);
  if (shown !== steady.shown) setSteady({ source: rows, asked, shown });
  return { ...shown, update: () => setSteady({ source: rows, asked, shown: release(rows) }) };
}
