'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type RefObject, useCallback, useState, useSyncExternalStore } from 'react';
import { preloadActs } from '@/components/operations/use-acts';
import { type ActHandlers, sandboxActs, whyNot } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import type { Role } from '@/lib/access/roles';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { Sort } from '@/lib/fleet/sort';
import type { ActUnderWay } from '@/lib/operations/record/progress';
import type { Sandbox } from '@/lib/sandbox/schema';
import { type CellContext, gridOf } from './columns';
import { FleetHeader, type HeadState } from './fleet-header';
import { FleetRow, type Standing } from './fleet-row';
import { LazySelectionDock } from './lazy-selection-dock';
import { useActiveRow } from './use-active-row';
import type { ShownColumn } from './use-columns';
import type { SelectionActs } from './use-selection';

const ROW_PX = 34;
const HEADER_PX = 33;
const OVERSCAN = 3;
/** So that the last rows can be scrolled out from under a toast. */
const ROOM_FOR_TOASTS_PX = 96;
/** What the server fills; the browser measures. */
const SERVED_RECT = { width: 1280, height: 1100 };

export type FleetTableProps = {
  rows: readonly IndexedSandbox[];
  /** All that match, where `rows` is only the first of them. */
  rowCount: number;
  gone: ReadonlySet<string>;
  /** Ids among `rows` that are only held in their places: the filter would hide them. */
  hidden: ReadonlySet<string>;
  underWay: ReadonlyMap<string, ActUnderWay>;
  columns: readonly ShownColumn[];
  cell: Omit<CellContext, 'act' | 'isGone' | 'isActive'>;
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** Whether a pointer is over the rows, so that they must not move. */
  onHold: (held: boolean) => void;
  handlers: ActHandlers & { onOpen: (sandbox: Sandbox) => void };
  role: Role;
  selected: ReadonlySet<string>;
  /** Those of the selected that acts go to. */
  selectedRows: readonly IndexedSandbox[];
  /** How much of all that match is selected; `null` while not all of them have arrived. */
  head: HeadState | null;
  selection: SelectionActs;
  /** How much the dock covers at the bottom, px. */
  coveredPx: number;
  gridRef: RefObject<HTMLDivElement | null>;
};

/** The fleet as a grid. Only the rows in sight exist; the active row is known by id, so it stays active when others move. */
export const FleetTable = memo(function FleetTable(props: FleetTableProps) {
  const { rows, rowCount, columns, sort, onSort, onHold, handlers, selection, gridRef } = props;
  const [menu, setMenu] = useState<{ sandbox: Sandbox; anchor: HTMLElement } | null>(null);
  const openMenu = useCallback((sandbox: Sandbox, anchor: HTMLElement) => setMenu({ sandbox, anchor }), []);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => gridRef.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.sandbox.id ?? index,
    overscan: OVERSCAN,
    initialRect: SERVED_RECT,
    // The last rows can be scrolled out from under the dock, and the active one never ends up there.
    paddingEnd: Math.max(props.coveredPx, ROOM_FOR_TOASTS_PX),
    scrollPaddingEnd: HEADER_PX + props.coveredPx,
  });
  const { minWidth, tracks } = gridOf(columns);
  const isNarrow = useIsNarrower(gridRef, minWidth);

  function standingOf(id: string): Standing {
    if (props.gone.has(id)) return 'gone';
    return props.hidden.has(id) ? 'hidden' : 'there';
  }

  function circumstances({ id }: Sandbox) {
    return { role: props.role, underWay: props.underWay.get(id)?.act, isGone: props.gone.has(id) };
  }

  function openMenuOf(sandbox: Sandbox) {
    const button = document.querySelector<HTMLElement>(
      `#${CSS.escape(rowElementId(sandbox.id))} [aria-haspopup=menu]`,
    );
    if (button) openMenu(sandbox, button);
  }

  /** What is selected goes before the row that the keyboard happens to be at. */
  function askToKill(active: Sandbox | undefined) {
    const selected = props.selectedRows.map(({ sandbox }) => sandbox);
    const meant = selected.length === 0 && active ? [active] : selected;
    const fit = meant.filter((sandbox) => whyNot(sandbox, 'kill', circumstances(sandbox)) === null);
    if (fit.length > 0) handlers.onKill(fit);
  }

  const { activeId, select, onKeyDown } = useActiveRow({
    rows,
    gridRef,
    selection,
    isWhole: props.head !== null,
    isThere: (id) => standingOf(id) === 'there',
    scrollTo: (index) => virtual.scrollToIndex(index),
    onMenu: openMenuOf,
    onOpen: handlers.onOpen,
    onDelete: askToKill,
  });
  const drawn = virtual.getVirtualItems().flatMap(({ index, start }) => {
    const row = rows[index];
    return row ? [{ row, index, start, id: row.sandbox.id }] : [];
  });

  return (
    <>
      <div
        ref={gridRef}
        role="grid"
        aria-label="Sandboxes"
        aria-multiselectable
        aria-rowcount={rowCount + 1}
        // Only a row that is drawn can be pointed at.
        aria-activedescendant={
          drawn.some(({ id }) => id === activeId) ? rowElementId(activeId ?? '') : undefined
        }
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={preload}
        // Cells that stick cost a layer each, so they only do where there is something to scroll under them.
        data-narrow={isNarrow ? '' : undefined}
        className="group/grid relative min-h-0 flex-1 overflow-auto outline-none"
      >
        <FleetHeader
          columns={columns}
          tracks={tracks}
          minWidth={minWidth}
          sort={sort}
          onSort={onSort}
          selected={props.head ?? 'none'}
          onSelect={
            props.head && rowCount > 0
              ? (all) => (all ? selection.selectMatching() : selection.unselectMatching())
              : null
          }
        />
        <div
          role="rowgroup"
          className="relative"
          style={{ minWidth, height: virtual.getTotalSize() }}
          onPointerEnter={() => {
            onHold(true);
            preload();
          }}
          onPointerLeave={() => onHold(false)}
        >
          {drawn.map(({ row, index, start, id }) => (
            <FleetRow
              key={id}
              elementId={rowElementId(id)}
              row={row}
              index={index}
              top={start}
              columns={columns}
              tracks={tracks}
              act={props.underWay.get(id)?.act}
              standing={standingOf(id)}
              isSelected={props.selected.has(id)}
              isActive={id === activeId}
              isMenuOpen={menu?.sandbox.id === id}
              cell={props.cell}
              onSelect={select}
              onMenu={openMenu}
            />
          ))}
        </div>
      </div>
      {/* Beside the grid, which may hold nothing but rows. */}
      <LazyMenu
        anchor={menu?.anchor ?? null}
        onClose={() => setMenu(null)}
        acts={
          menu
            ? [
                { label: 'Open', onActivate: () => handlers.onOpen(menu.sandbox) },
                ...sandboxActs(menu.sandbox, circumstances(menu.sandbox), handlers),
              ]
            : []
        }
      />
    </>
  );
});

function preload(): void {
  preloadActs();
  LazySelectionDock.preload();
}

function rowElementId(id: string): string {
  return `row-${id}`;
}

/** Whether the element is narrower than `widthPx`, now and after every change of its size. */
function useIsNarrower(element: RefObject<HTMLElement | null>, widthPx: number): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const observer = new ResizeObserver(listener);
      if (element.current) observer.observe(element.current);
      return () => observer.disconnect();
    },
    [element],
  );
  const isNarrower = () => (element.current?.offsetWidth ?? widthPx) < widthPx;
  return useSyncExternalStore(subscribe, isNarrower, () => false);
}
