'use client';

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { HeldRows } from '@/lib/fleet/held-rows';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { extend, NOTHING_SELECTED, reconcile, selectRows, toggle, unselectRows } from '@/lib/fleet/selection';
import { fleetSelection, type SelectionStore } from '@/lib/fleet/selection-store';
import { listenForKeys } from '@/lib/key-events';
import type { SandboxKey } from '@/lib/sandbox-key';
import type { HeadState } from './fleet-header';

type Rows = readonly IndexedSandbox[];
type OnScreen = {
  matching: Rows;
  /** The whole fleet, or `null` until it has arrived. */
  all: Rows | null;
  stable: HeldRows;
};

/** Changes the selection. The same object on every render. */
export type SelectionActs = {
  toggle: (key: SandboxKey) => void;
  /** Selects up to this row, from `from` or else from the last toggled row. */
  extend: (key: SandboxKey, from?: SandboxKey) => void;
  selectMatching: () => void;
  unselectMatching: () => void;
  clear: () => void;
};

// React calls `subscribe` only in the browser, so the server never creates a selection.
const subscribe = (listener: () => void) => fleetSelection().subscribe(listener);

/** The selection of this tab, reconciled with the rows on screen. */
export function useSelection({ matching, all, stable }: OnScreen) {
  const selection = useSyncExternalStore(
    subscribe,
    () => fleetSelection().selection(),
    () => NOTHING_SELECTED,
  );
  const { rows, hidden } = useMemo(
    () => reconcile(selection, matching, all ?? matching),
    [selection, matching, all],
  );
  const latest = useRef({ matching, stable });
  latest.current = { matching, stable };
  const acts = useMemo((): SelectionActs => {
    const update: SelectionStore['update'] = (change) => fleetSelection().update(change);
    return {
      toggle: (key) => update((now) => toggle(now, key)),
      extend: (key, from) => update((now) => extend(now, key, matchingRows(latest.current.stable), from)),
      selectMatching: () => update((now) => selectRows(now, latest.current.matching)),
      unselectMatching: () => update((now) => unselectRows(now, latest.current.matching)),
      clear: () => update(() => NOTHING_SELECTED),
    };
  }, []);
  const head: HeadState = rows.length === 0 ? 'none' : rows.length < matching.length ? 'some' : 'all';
  return { keys: selection.keys, rows, hidden, head, acts };
}

/** The drawn rows that still match. A range covers only these. */
function matchingRows({ rows, gone, hidden }: HeldRows): Rows {
  if (gone.size === 0 && hidden.size === 0) return rows;
  return rows.filter(({ sandbox }) => !gone.has(sandbox.key) && !hidden.has(sandbox.key));
}

const HANDLES_ESCAPE =
  'input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu]';

/** Clears the selection on Escape, unless the focus is in an input, a dialog or a menu. */
export function useEscapeToClear(clear: () => void, isEnabled: boolean) {
  useEffect(() => {
    if (!isEnabled) return;
    function onKeyDown(event: KeyboardEvent) {
      const target = event.target as HTMLElement | null;
      if (event.key !== 'Escape' || event.defaultPrevented || target?.closest(HANDLES_ESCAPE)) return;
      clear();
    }
    return listenForKeys(onKeyDown);
  }, [clear, isEnabled]);
}
