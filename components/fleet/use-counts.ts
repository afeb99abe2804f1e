'use client';

import { useDeferredValue, useMemo } from 'react';
import { serverNow } from '@/components/ui/clock';
import { joinChips, splitForChips } from '@/lib/fleet/filter/edit';
import { countFacets, facetsOf } from '@/lib/fleet/filter/facets';
import { type Filter, parseFilter } from '@/lib/fleet/filter/filter';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { filterRows } from '@/lib/fleet/view';

type Rows = readonly IndexedSandbox[];

/** More values of a facet than this are found by typing. */
const MAX_FACET_VALUES = 100;

/**
 * How often each value occurs: in the whole fleet, for the facets among the rows that match, and for the suggestions among
 * the rows that the finished terms leave. Counting is slower than filtering, so it is deferred and does not delay the rows.
 */
export function useCounts(
  all: Rows,
  matching: Rows,
  { text, filter }: { text: string; filter: Filter | null },
) {
  const counted = useDeferredValue(matching);
  const counts = useMemo(() => countFacets(counted), [counted]);
  const whole = useDeferredValue(all);
  const allCounts = useMemo(() => countFacets(whole), [whole]);
  const facets = useMemo(
    () => facetsOf(allCounts, { limit: MAX_FACET_VALUES, matching: counts, filter: filter ?? [] }),
    [allCounts, counts, filter],
  );
  const { committed, draft } = useMemo(() => splitForChips(text), [text]);
  const isTyping = draft.trim() !== '';
  const finished = joinChips(
    committed.map((chip) => chip.text),
    '',
  );
  const left = useMemo(
    () => (isTyping ? countFacets(filterRows(whole, parseFilter(finished).filter, serverNow())) : null),
    [isTyping, whole, finished],
  );
  return { allCounts, facets, suggestCounts: left ?? counts };
}
