'use client';

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { HeldRows } from '@/lib/fleet/hold';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { extend, NOTHING_SELECTED, reconcile, selectRows, toggle, unselectRows } from '@/lib/fleet/selection';
import { fleetSelection, type SelectionStore } from '@/lib/fleet/selection-store';
import type { HeadState } from './fleet-header';

type Rows = readonly IndexedSandbox[];
type OnScreen = {
  /** What the filter leaves. */
  matching: Rows;
  /** The whole fleet, or `null` until it is here. */
  all: Rows | null;
  /** What is drawn. */
  steady: HeldRows;
};

/** How rows get selected. The same object for as long as the page lives. */
export type SelectionActs = {
  toggle: (id: string) => void;
  /** Up to this row, from the last one toggled or from `from`. */
  extend: (id: string, from?: string) => void;
  selectMatching: () => void;
  unselectMatching: () => void;
  clear: () => void;
};

// React calls `subscribe` in the browser only, so the tab's selection is never made on the server.
const subscribe = (listener: () => void) => fleetSelection().subscribe(listener);

/** The selection of this tab, as it stands with what is on screen, and how to change it. */
export function useSelection({ matching, all, steady }: OnScreen) {
  const selection = useSyncExternalStore(
    subscribe,
    () => fleetSelection().selection(),
    () => NOTHING_SELECTED,
  );
  const { rows, hidden } = useMemo(
    () => reconcile(selection, matching, all ?? matching),
    [selection, matching, all],
  );
  const latest = useRef({ matching, steady });
  latest.current = { matching, steady };
  const acts = useMemo((): SelectionActs => {
    const update: SelectionStore['update'] = (change) => fleetSelection().update(change);
    return {
      toggle: (id) => update((now) => toggle(now, id)),
      extend: (id, from) => update((now) => extend(now, id, standing(latest.current.steady), from)),
      selectMatching: () => update((now) => selectRows(now, latest.current.matching)),
      unselectMatching: () => update((now) => unselectRows(now, latest.current.matching)),
      clear: () => update(() => NOTHING_SELECTED),
    };
  }, []);
  const head: HeadState = rows.length === 0 ? 'none' : rows.length < matching.length ? 'some' : 'all';
  return { ids: selection.ids, rows, hidden, head, acts };
}

/** What is drawn and not only held in its place: a range runs over these. */
function standing({ rows, gone, hidden }: HeldRows): Rows {
  if (gone.size === 0 && hidden.size === 0) return rows;
  return rows.filter(({ sandbox }) => !gone.has(sandbox.id) && !hidden.has(sandbox.id));
}

const TAKES_ESCAPE_ITSELF =
  'input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu]';

/** Escape clears the selection, unless it closes or leaves something else. */
export function useEscapeToClear(clear: () => void, isWanted: boolean) {
  useEffect(() => {
    if (!isWanted) return;
    function onKeyDown(event: KeyboardEvent) {
      const target = event.target as HTMLElement | null;
      if (event.key !== 'Escape' || event.defaultPrevented || target?.closest(TAKES_ESCAPE_ITSELF)) return;
      clear();
    }
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [clear, isWanted]);
}
