'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import {
  type KeyboardEvent,
  memo,
  type RefObject,
  useCallback,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { preloadActs } from '@/components/operations/use-acts';
import { type ActHandlers, sandboxActs, whyNot } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import type { Role } from '@/lib/access/roles';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { Sort, SortKey } from '@/lib/fleet/sort';
import type { ActUnderWay } from '@/lib/operations/progress';
import type { Sandbox } from '@/lib/sandbox/schema';
import { type CellContext, gridOf } from './columns';
import { FleetRow } from './fleet-row';
import type { ShownColumn } from './use-columns';

const ROW_PX = 34;
const PAGE_ROWS = 20;
const OVERSCAN = 3;
/** What the server fills; the browser measures. */
const SERVED_RECT = { width: 1280, height: 1100 };

export type FleetTableProps = {
  rows: readonly IndexedSandbox[];
  /** All that match, where `rows` is only the first of them. */
  rowCount: number;
  gone: ReadonlySet<string>;
  underWay: ReadonlyMap<string, ActUnderWay>;
  columns: readonly ShownColumn[];
  cell: Omit<CellContext, 'act' | 'isGone'>;
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** Whether a pointer is over the rows, so that they must not move. */
  onHold: (held: boolean) => void;
  handlers: ActHandlers & { onOpen: (sandbox: Sandbox) => void };
  role: Role;
};

/** The fleet as a grid. Only the rows in sight exist; the active row is known by id, so it stays active when others move. */
export const FleetTable = memo(function FleetTable(props: FleetTableProps) {
  const { rows, rowCount, columns, sort, onSort, onHold, handlers } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [activeId, setActiveId] = useState<string | null>(null);
  const [menu, setMenu] = useState<{ sandbox: Sandbox; anchor: HTMLElement } | null>(null);
  const openMenu = useCallback((sandbox: Sandbox, anchor: HTMLElement) => setMenu({ sandbox, anchor }), []);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.sandbox.id ?? index,
    overscan: OVERSCAN,
    initialRect: SERVED_RECT,
  });
  const { minWidth, tracks } = gridOf(columns);
  const isNarrow = useIsNarrower(scroller, minWidth);

  function circumstances({ id }: Sandbox) {
    return { role: props.role, underWay: props.underWay.get(id)?.act, isGone: props.gone.has(id) };
  }

  function openMenuOf(sandbox: Sandbox) {
    const button = document.querySelector<HTMLElement>(
      `#${CSS.escape(rowElementId(sandbox.id))} [aria-haspopup=menu]`,
    );
    if (button) openMenu(sandbox, button);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget || event.metaKey || event.ctrlKey || event.altKey) return;
    const asksForMenu = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
    const at = rows.findIndex((row) => row.sandbox.id === activeId);
    const step = KEY_STEPS[event.key]?.(at, rows.length);
    const active = rows[at];
    if (step !== undefined) {
      const next = Math.min(Math.max(step, 0), rows.length - 1);
      setActiveId(rows[next]?.sandbox.id ?? null);
      virtual.scrollToIndex(next);
    } else if (asksForMenu && active) openMenuOf(active.sandbox);
    else if (event.key === 'Enter' && active) handlers.onOpen(active.sandbox);
    else if (event.key === 'Delete' && active) {
      if (whyNot(active.sandbox, 'kill', circumstances(active.sandbox)) === null)
        handlers.onKill(active.sandbox);
    } else return;
    event.preventDefault();
  }

  return (
    <>
      <div
        ref={scroller}
        role="grid"
        aria-label="Sandboxes"
        aria-rowcount={rowCount + 1}
        aria-activedescendant={activeId === null ? undefined : rowElementId(activeId)}
        tabIndex={0}
        onKeyDown={onKeyDown}
        // Cells that stick cost a layer each, so they only do where there is something to scroll under them.
        data-narrow={isNarrow ? '' : undefined}
        className="group/grid relative min-h-0 flex-1 overflow-auto outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
      >
        <div role="rowgroup" className="sticky top-0 z-20 border-line border-b bg-bg" style={{ minWidth }}>
          <div
            role="row"
            aria-rowindex={1}
            className="grid h-8 items-center gap-4 px-5"
            style={{ gridTemplateColumns: tracks }}
          >
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
            <span role="columnheader" className="sr-only">
              Acts
            </span>
          </div>
        </div>
        <div
          role="rowgroup"
          className="relative"
          style={{ minWidth, height: virtual.getTotalSize() }}
          onPointerEnter={() => {
            onHold(true);
            preloadActs();
          }}
          onPointerLeave={() => onHold(false)}
        >
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (!row) return null;
            const { id } = row.sandbox;
            return (
              <FleetRow
                key={id}
                elementId={rowElementId(id)}
                row={row}
                index={index}
                top={start}
                columns={columns}
                tracks={tracks}
                act={props.underWay.get(id)?.act}
                isGone={props.gone.has(id)}
                isActive={id === activeId}
                isMenuOpen={menu?.sandbox.id === id}
                cell={props.cell}
                onMenu={openMenu}
              />
            );
          })}
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

/** Where a key leads from row `at` (-1: none yet) of `count`. */
const KEY_STEPS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + PAGE_ROWS,
  PageUp: (at) => at - PAGE_ROWS,
  Home: () => 0,
  End: (_at, count) => count - 1,
};

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

type HeaderProps = { column: ShownColumn; sort: Sort; onSort: (sort: Sort) => void };

function HeaderCell({ column: { id, title, alignRight, sortKey }, sort, onSort }: HeaderProps) {
  const isSorted = sortKey !== undefined && sort.key === sortKey;
  const Arrow = sort.direction === 'asc' ? ArrowUp : ArrowDown;
  const order = isSorted ? (sort.direction === 'asc' ? 'ascending' : 'descending') : 'none';
  return (
    <div
      role="columnheader"
      aria-sort={sortKey ? order : undefined}
      className={clsx(
        'flex min-w-0 text-ink-2 text-small',
        alignRight && 'justify-end',
        id === 'id' && 'bg-bg group-data-narrow/grid:sticky group-data-narrow/grid:left-0',
      )}
    >
      {sortKey ? (
        <button
          type="button"
          onClick={() => onSort(nextSort(sort, sortKey))}
          className="flex min-w-0 items-center gap-1 rounded-sm hover:text-ink"
        >
          <bdi className={clsx('truncate', isSorted && 'text-ink')}>{title}</bdi>
          {isSorted ? <Arrow size={12} aria-hidden /> : null}
        </button>
      ) : (
        title
      )}
    </div>
  );
}

function nextSort(sort: Sort, key: SortKey): Sort {
  return { key, direction: sort.key === key && sort.direction === 'asc' ? 'desc' : 'asc' };
}
