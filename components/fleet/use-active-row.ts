'use client';

import { type KeyboardEvent, type MouseEvent, type RefObject, useCallback, useRef, useState } from 'react';
import { ROW_KEYS } from '@/components/ui/row-keys';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { useArrowsIntoGrid } from './use-arrows-into-grid';
import type { SelectionActs } from './use-selection';

export const DOCK_ID = 'selection-dock';

type Grid = {
  rows: readonly IndexedSandbox[];
  gridRef: RefObject<HTMLDivElement | null>;
  selection: SelectionActs;
  /** Whether all matching rows may be selected: they have arrived, and the filter has no error. */
  isWhole: boolean;
  /** Whether a row matches, and is not only kept in its place. */
  isMatching: (key: SandboxKey) => boolean;
  scrollTo: (index: number) => void;
  onMenu: (sandbox: Sandbox) => void;
  onOpen: (sandbox: Sandbox) => void;
  /** Called for the Delete key. */
  onDelete: (active: Sandbox | undefined) => void;
};

/** Tracks the active row by key, and handles the keyboard and clicks on checkboxes. */
export function useActiveRow({ rows, gridRef, selection, ...grid }: Grid) {
  const [activeKey, setActiveKey] = useState<SandboxKey | null>(null);
  /** Whether the active row was reached without selecting. A range then starts at it. */
  const hasMoved = useRef(false);

  /** Handles a click on the checkbox of a row. */
  const select = useCallback(
    (key: SandboxKey, event: MouseEvent) => {
      if (event.shiftKey) selection.extend(key);
      else selection.toggle(key);
      hasMoved.current = false;
      setActiveKey(key);
      // Not for a click without a pointer: it comes from a screen reader, which keeps its own position.
      if (event.detail > 0) gridRef.current?.focus({ preventScroll: true });
    },
    [selection, gridRef],
  );

  function moveTo(step: number, isExtending: boolean) {
    const next = Math.min(Math.max(step, 0), rows.length - 1);
    const key = rows[next]?.sandbox.key;
    if (key === undefined) return;
    if (isExtending) selection.extend(key, hasMoved.current ? (activeKey ?? undefined) : undefined);
    hasMoved.current = !isExtending;
    setActiveKey(key);
    grid.scrollTo(next);
  }

  function indexOfActive(): number {
    return rows.findIndex((row) => row.sandbox.key === activeKey);
  }

  useArrowsIntoGrid(gridRef, (key) => {
    const step = ROW_KEYS[key]?.(indexOfActive(), rows.length);
    if (step !== undefined) moveTo(step, false);
  });

  function toggleSelection({ key }: Sandbox, isExtending: boolean) {
    if (!grid.isMatching(key)) return;
    if (isExtending) selection.extend(key);
    else selection.toggle(key);
    hasMoved.current = false;
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.altKey) return;
    const isCommand = event.metaKey || event.ctrlKey;
    if (isCommand && event.key === 'a' && grid.isWhole) selection.selectMatching();
    else if (isCommand || event.target !== event.currentTarget || !onRowKey(event)) return;
    event.preventDefault();
  }

  /** Returns whether the key was handled. */
  function onRowKey({ key, shiftKey }: KeyboardEvent): boolean {
    const at = indexOfActive();
    const step = ROW_KEYS[key]?.(at, rows.length);
    const active = rows[at]?.sandbox;
    if (step !== undefined) moveTo(step, shiftKey);
    else if (key === 'Delete') grid.onDelete(active);
    // Skips the buttons of the header. Shift+Tab reaches them.
    else if (key === 'Tab' && !shiftKey) return focusDock();
    else if (active === undefined) return false;
    else if (key === 'ContextMenu' || (key === 'F10' && shiftKey)) grid.onMenu(active);
    else if (key === ' ') toggleSelection(active, shiftKey);
    else if (key === 'Enter') grid.onOpen(active);
    else return false;
    return true;
  }

  return { activeKey, select, onKeyDown };
}

/** Returns whether the dock is shown. */
function focusDock(): boolean {
  const first = document.getElementById(DOCK_ID)?.querySelector('button') ?? null;
  first?.focus();
  return first !== null;
}
