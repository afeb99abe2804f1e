'use client';

import { useMemo, useState } from 'react';
import type { Outcome, RecordedItem } from '@/lib/operations/schema';

/** Filters items by outcome (`null`: all). While `isHeld`, no row appears or disappears under the pointer. */
export function useSteadyItems(
  items: readonly RecordedItem[],
  shown: Outcome | null,
  isHeld: boolean,
): readonly RecordedItem[] {
  const matching = useMemo(
    () => (shown === null ? items : items.filter(({ outcome }) => outcome === shown)),
    [items, shown],
  );
  const [kept, setKept] = useState({ rows: matching, shown });
  const holds = isHeld && shown !== null && kept.shown === shown;
  if (!holds && (kept.rows !== matching || kept.shown !== shown)) setKept({ rows: matching, shown });
  return useMemo(() => {
    if (!holds) return matching;
    const now = new Map(items.map((item) => [item.sandboxKey, item]));
    return kept.rows.map((item) => now.get(item.sandboxKey) ?? item);
  }, [holds, matching, items, kept]);
}
