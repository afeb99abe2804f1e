'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type RefObject, useCallback, useEffect, useMemo, useState } from 'react';
import { useAllLacking } from '@/components/data/use-fleet';
import type { Roles } from '@/components/data/use-person';
import { preloadActs } from '@/components/operations/use-acts';
import { type ActHandlers, sandboxActs, whyNot } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import { FOCUS_HOME } from '@/components/ui/focus-home';
import { toast } from '@/components/ui/toast';
import { useIsPhone } from '@/components/ui/use-is-phone';
import { useWidth } from '@/components/ui/use-width';
import { lackingOf } from '@/lib/fleet/fleets';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { Sort } from '@/lib/fleet/sort';
import { unlessComposing } from '@/lib/key-events';
import type { ActUnderWay } from '@/lib/operations/record/progress';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { type CellContext, gridOf, type ShownColumn } from './columns';
import { drawColumns } from './fit-columns';
import { FleetHeader, type HeadState } from './fleet-header';
import { FleetRow, type RowStatus } from './fleet-row';
import { LazySelectionDock } from './lazy';
import { roleGap } from './selection-acts';
import { useActiveRow } from './use-active-row';
import { useKeptFocus } from './use-kept-focus';
import type { SelectionActs } from './use-selection';

const ROW_PX = 34;
/** Two lines. */
const PHONE_ROW_PX = 58;
const HEADER_PX = 33;
const OVERSCAN = 3;
/** Lets the last rows scroll out from under a toast. */
const TOAST_PADDING_PX = 96;
/** The size assumed on the server. The browser measures. */
const SERVER_RECT = { width: 1280, height: 1100 };

export type FleetTableProps = {
  rows: readonly IndexedSandbox[];
  /** The number of all matches. `rows` may hold only the first of them. */
  rowCount: number;
  gone: ReadonlySet<SandboxKey>;
  /** Ids among `rows` that no longer match, and are only kept in their places. */
  hidden: ReadonlySet<SandboxKey>;
  underWay: ReadonlyMap<SandboxKey, ActUnderWay>;
  columns: readonly ShownColumn[];
  cell: Omit<CellContext, 'act' | 'isGone' | 'isActive'>;
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** Sets the width of a column, px; `null`: as wide as its content. */
  onResize: (id: string, px: number | null) => void;
  /** Moves a column to a position among the shown ones, counted from 0. */
  onMoveColumn: (id: string, to: number) => void;
  /** Called when the pointer enters or leaves the rows. They must not move under it. */
  onHold: (held: boolean) => void;
  handlers: ActHandlers & { onOpen: (sandbox: Sandbox) => void };
  roles: Roles;
  selected: ReadonlySet<SandboxKey>;
  /** The selected rows that actions apply to. */
  selectedRows: readonly IndexedSandbox[];
  /** `null` until all matching rows have arrived. */
  head: HeadState | null;
  /** The reason that no bulk action is available, or `null`. */
  blocked: string | null;
  selection: SelectionActs;
  /** The height covered by the dock. */
  coveredPx: number;
  gridRef: RefObject<HTMLDivElement | null>;
};

/** The fleet as a virtual grid. The active row is tracked by its sandbox, so it stays active when rows move. */
export const FleetTable = memo(function FleetTable(props: FleetTableProps) {
  const { rows, rowCount, columns, sort, onSort, onHold, handlers, selection, gridRef } = props;
  const [menu, setMenu] = useState<{ sandbox: Sandbox; anchor: HTMLElement } | null>(null);
  const openMenu = useCallback((sandbox: Sandbox, anchor: HTMLElement) => setMenu({ sandbox, anchor }), []);
  const isPhone = useIsPhone();
  const lacking = useAllLacking();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => gridRef.current,
    estimateSize: () => (isPhone ? PHONE_ROW_PX : ROW_PX),
    getItemKey: (index) => rows[index]?.sandbox.key ?? index,
    overscan: OVERSCAN,
    initialRect: SERVER_RECT,
    // The last rows can scroll out from under the dock, and the active row is never hidden by it.
    paddingEnd: Math.max(props.coveredPx, TOAST_PADDING_PX),
    scrollPaddingEnd: HEADER_PX + props.coveredPx,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer keeps the heights of the other layout.
  useEffect(() => virtual.measure(), [isPhone, virtual]);
  const gridPx = useWidth(gridRef, SERVER_RECT.width);
  const { minWidth: fullWidth, tracks } = gridOf(columns);
  const minWidth = isPhone ? 0 : fullWidth;
  const drawnColumns = useDrawnColumns(columns, gridPx, isPhone);

  function statusOf(key: SandboxKey): RowStatus {
    if (props.gone.has(key)) return 'gone';
    return props.hidden.has(key) ? 'hidden' : 'matching';
  }

  function circumstances({ key }: Sandbox) {
    return {
      role: props.roles(connectionOf(key)),
      lacking: lackingOf(connectionOf(key), lacking),
      underWay: props.underWay.get(key)?.act,
      isGone: props.gone.has(key),
    };
  }

  function openMenuOf(sandbox: Sandbox) {
    const button = document.querySelector<HTMLElement>(
      `#${CSS.escape(rowElementId(sandbox.key))} [aria-haspopup=menu]`,
    );
    if (button) openMenu(sandbox, button);
  }

  /** Kills the selection or, without one, the active row. */
  function killSelected(active: Sandbox | undefined) {
    const selected = props.selectedRows.map(({ sandbox }) => sandbox);
    const obstacle = props.blocked ?? roleGap(props.selectedRows, 'kill', props.roles);
    if (selected.length > 0 && obstacle !== null) {
      toast.message('Nothing was killed', { description: obstacle });
      return;
    }
    const targets = selected.length === 0 && active ? [active] : selected;
    const fit = targets.filter((sandbox) => whyNot(sandbox, 'kill', circumstances(sandbox)) === null);
    if (fit.length > 0) handlers.onKill(fit);
  }

  const { activeKey, select, onKeyDown } = useActiveRow({
    rows,
    gridRef,
    selection,
    isWhole: props.head !== null && props.blocked === null,
    isMatching: (key) => statusOf(key) === 'matching',
    scrollTo: (index) => virtual.scrollToIndex(index),
    onMenu: openMenuOf,
    onOpen: handlers.onOpen,
    onDelete: killSelected,
  });
  const [moved, setMoved] = useState('');
  function moveColumn(id: string, to: number) {
    const target = Math.min(Math.max(to, 0), columns.length - 1);
    const title = visibleText(columns.find((column) => column.id === id)?.title ?? '');
    setMoved(`${title}: column ${target + 1} of ${columns.length}`);
    props.onMoveColumn(id, target);
  }
  const keptFocus = useKeptFocus(gridRef, preload);
  const drawn = virtual.getVirtualItems().flatMap(({ index, start }) => {
    const row = rows[index];
    return row ? [{ row, index, start, key: row.sandbox.key }] : [];
  });

  return (
    <>
      <div
        ref={gridRef}
        role="grid"
        aria-label="Sandboxes"
        aria-multiselectable
        aria-rowcount={rowCount + 1}
        // Must name an element that exists.
        aria-activedescendant={
          activeKey !== null && drawn.some(({ key }) => key === activeKey)
            ? rowElementId(activeKey)
            : undefined
        }
        tabIndex={0}
        {...FOCUS_HOME}
        {...keptFocus}
        onKeyDown={unlessComposing(onKeyDown)}
        // Each sticky cell costs a compositor layer, so cells stick only when the grid scrolls sideways.
        data-narrow={gridPx < minWidth ? '' : undefined}
        data-phone={isPhone ? '' : undefined}
        className="group/grid relative min-h-0 flex-1 overflow-auto outline-none"
      >
        <FleetHeader
          columns={drawnColumns}
          tracks={tracks}
          minWidth={minWidth}
          sort={sort}
          onSort={onSort}
          onResize={props.onResize}
          onMove={moveColumn}
          selected={props.head ?? 'none'}
          onSelect={
            props.head && rowCount > 0 && props.blocked === null
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
          {drawn.map(({ row, index, start, key }) => (
            <FleetRow
              key={key}
              elementId={rowElementId(key)}
              row={row}
              index={index}
              top={start}
              columns={drawnColumns}
              tracks={tracks}
              act={props.underWay.get(key)?.act}
              status={statusOf(key)}
              isSelected={props.selected.has(key)}
              isActive={key === activeKey}
              isMenuOpen={menu?.sandbox.key === key}
              cell={props.cell}
              onSelect={select}
              onMenu={openMenu}
            />
          ))}
        </div>
      </div>
      <div role="status" className="sr-only">
        {moved}
      </div>
      {/* Outside the grid, which may contain only rows. */}
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

function rowElementId(key: SandboxKey): string {
  return `row-${key}`;
}

/** A stable array: rows render again when a width changes. */
function useDrawnColumns(columns: readonly ShownColumn[], gridPx: number, isPhone: boolean) {
  const drawn = drawColumns(columns, gridPx, isPhone);
  const widths = drawn.map(({ drawnPx }) => drawnPx).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `widths` says whether `drawn` has changed.
  return useMemo(() => drawn, [columns, widths]);
}
