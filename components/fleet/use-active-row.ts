'use client';

import { type KeyboardEvent, type MouseEvent, type RefObject, useCallback, useRef, useState } from 'react';
import { ROW_KEYS } from '@/components/ui/row-keys';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SelectionActs } from './use-selection';

/** By which Tab finds the dock. */
export const DOCK_ID = 'selection-dock';

type Grid = {
  rows: readonly IndexedSandbox[];
  gridRef: RefObject<HTMLDivElement | null>;
  selection: SelectionActs;
  /** Whether all that match is known, so that all of it can be selected. */
  isWhole: boolean;
  /** Whether a row is in the result, not only held in its place. */
  isThere: (id: string) => boolean;
  scrollTo: (index: number) => void;
  onMenu: (sandbox: Sandbox) => void;
  onOpen: (sandbox: Sandbox) => void;
  /** Delete, with the row that is active, if any. */
  onDelete: (active: Sandbox | undefined) => void;
};

/** Which row the keyboard is at, known by id, and what keys and clicks on checkboxes do there. */
export function useActiveRow({ rows, gridRef, selection, ...grid }: Grid) {
  const [activeId, setActiveId] = useState<string | null>(null);
  /** Whether the active row was reached without selecting: then a range begins at it. */
  const hasWandered = useRef(false);

  /** A click on the checkbox of a row. */
  const select = useCallback(
    (id: string, event: MouseEvent) => {
      if (event.shiftKey) selection.extend(id);
      else selection.toggle(id);
      hasWandered.current = false;
      setActiveId(id);
      // The keys go on from here. A click without a pointer comes from a reader, whose place is its own.
      if (event.detail > 0) gridRef.current?.focus({ preventScroll: true });
    },
    [selection, gridRef],
  );

  function moveTo(step: number, isExtending: boolean) {
    const next = Math.min(Math.max(step, 0), rows.length - 1);
    const id = rows[next]?.sandbox.id;
    if (id === undefined) return;
    if (isExtending) selection.extend(id, hasWandered.current ? (activeId ?? undefined) : undefined);
    hasWandered.current = !isExtending;
    setActiveId(id);
    grid.scrollTo(next);
  }

  function mark({ id }: Sandbox, isExtending: boolean) {
    if (!grid.isThere(id)) return;
    if (isExtending) selection.extend(id);
    else selection.toggle(id);
    hasWandered.current = false;
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.altKey) return;
    const isCommand = event.metaKey || event.ctrlKey;
    if (isCommand && event.key === 'a' && grid.isWhole) selection.selectMatching();
    else if (isCommand || event.target !== event.currentTarget || !onRowKey(event)) return;
    event.preventDefault();
  }

  /** Answers whether the key meant something. */
  function onRowKey({ key, shiftKey }: KeyboardEvent): boolean {
    const at = rows.findIndex((row) => row.sandbox.id === activeId);
    const step = ROW_KEYS[key]?.(at, rows.length);
    const active = rows[at]?.sandbox;
    if (step !== undefined) moveTo(step, shiftKey);
    else if (key === 'Delete') grid.onDelete(active);
    // Past the columns' buttons, which Shift and Tab lead back to.
    else if (key === 'Tab' && !shiftKey) return focusDock();
    else if (active === undefined) return false;
    else if (key === 'ContextMenu' || (key === 'F10' && shiftKey)) grid.onMenu(active);
    else if (key === ' ') mark(active, shiftKey);
    else if (key === 'Enter') grid.onOpen(active);
    else return false;
    return true;
  }

  return { activeId, select, onKeyDown };
}

/** Answers whether there is a dock to go to. */
function focusDock(): boolean {
  const first = document.getElementById(DOCK_ID)?.querySelector('button') ?? null;
  first?.focus();
  return first !== null;
}
