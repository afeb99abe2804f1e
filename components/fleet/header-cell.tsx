'use client';

import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, useId, useRef } from 'react';
import { useMovableEdge } from '@/components/ui/use-movable-edge';
import { Visible } from '@/components/ui/visible-text';
import type { Sort, SortKey } from '@/lib/fleet/sort';
import { unlessComposing } from '@/lib/key-events';
import { visibleText } from '@/lib/visible-text';
import { MAX_WIDTH_PX, MIN_WIDTH_PX } from './column-choice';
import type { DrawnColumn } from './fit-columns';

/** What the header cells can do. */
export type HeaderActs = {
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** Sets the width of a column, px; `null`: as wide as its content. */
  onResize: (id: string, px: number | null) => void;
};

type Props = HeaderActs & {
  column: DrawnColumn;
  /** Whether Tab stops at this cell and its edge. Arrow keys reach the others. */
  isTabStop: boolean;
  /** How far it has been dragged from its place, px. `null`: it is not being dragged. */
  draggedPx: number | null;
  /** The side at which the dragged column would be placed. */
  drop: 'before' | 'after' | null;
  /** Moves the column by this many places. */
  onStep: (by: number) => void;
  onPointerDown: (event: PointerEvent<HTMLElement>) => void;
};

/** The title of a column. It sorts by a click, and is moved by a drag or with Alt and an arrow key. */
export function HeaderCell({
  column: { id, title, alignRight, sortKey, isChosen = false, drawnPx },
  sort,
  onSort,
  onResize,
  isTabStop,
  draggedPx,
  drop,
  onStep,
  onPointerDown,
}: Props) {
  const titleId = useId();
  const isSorted = sortKey !== undefined && sort.key === sortKey;
  const Arrow = sort.direction === 'asc' ? ArrowUp : ArrowDown;
  const order = isSorted ? (sort.direction === 'asc' ? 'ascending' : 'descending') : 'none';
  const tabIndex = isTabStop ? 0 : -1;
  const keys = {
    tabIndex,
    'data-title': '',
    'aria-keyshortcuts': 'Alt+ArrowLeft Alt+ArrowRight',
    onKeyDown: unlessComposing((event: KeyboardEvent) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onStep(by);
    }),
  };
  return (
    <div
      role="columnheader"
      data-column={id}
      aria-sort={sortKey ? order : undefined}
      aria-labelledby={titleId}
      title={`${visibleText(title)}: drag to move`}
      {...(sortKey ? {} : keys)}
      onPointerDown={onPointerDown}
      style={draggedPx === null ? undefined : { transform: `translateX(${draggedPx}px)` }}
      className={clsx(
        'group/head relative flex h-full min-w-0 touch-pan-y select-none items-center rounded-sm text-ink-2 text-small group-data-phone/grid:shrink-0 group-data-phone/grid:touch-auto',
        alignRight && 'justify-end',
        id === 'id' && 'bg-bg group-data-narrow/grid:sticky group-data-narrow/grid:left-11',
        draggedPx !== null && 'z-30 cursor-grabbing bg-raise opacity-90 shadow-float',
        drop !== null && 'z-40 after:absolute after:inset-y-0 after:w-0.5 after:bg-accent',
        drop === 'before' && 'after:-left-[9px]',
        drop === 'after' && 'after:-right-[9px]',
      )}
    >
      {sortKey ? (
        <button
          type="button"
          {...keys}
          onClick={() => onSort(nextSort(sort, sortKey))}
          className="flex min-w-0 items-center gap-1 rounded-sm hover:text-ink"
        >
          <span id={titleId} className={clsx('truncate', isSorted && 'text-ink')}>
            <Visible text={title} />
          </span>
          {isSorted ? <Arrow size={12} aria-hidden /> : null}
        </button>
      ) : (
        <span id={titleId} className="truncate">
          <Visible text={title} />
        </span>
      )}
      <ColumnEdge
        title={title}
        widthPx={drawnPx}
        isDefault={!isChosen}
        tabIndex={tabIndex}
        onResize={(px) => onResize(id, px)}
      />
    </div>
  );
}

type EdgeProps = {
  title: string;
  widthPx: number;
  isDefault: boolean;
  tabIndex: number;
  onResize: (px: number | null) => void;
};

/** The edge of a column, which changes its width. */
function ColumnEdge({ title, widthPx, isDefault, tabIndex, onResize }: EdgeProps) {
  const line = useRef<HTMLDivElement>(null);
  const measurePx = () => line.current?.parentElement?.getBoundingClientRect().width ?? 0;
  const edge = useMovableEdge({
    axis: 'x',
    stepPx: 8,
    measurePx,
    limitsPx: () => [MIN_WIDTH_PX, MAX_WIDTH_PX],
    isDefault,
    onMove: onResize,
  });
  return (
    <div
      ref={line}
      role="separator"
      aria-label={`Width of ${visibleText(title)}`}
      aria-orientation="vertical"
      aria-valuenow={widthPx}
      aria-valuetext={`${widthPx} pixels`}
      aria-valuemin={MIN_WIDTH_PX}
      aria-valuemax={MAX_WIDTH_PX}
      tabIndex={tabIndex}
      title="Drag to resize. Double-click or Enter to fit."
      {...edge}
      className="-right-3 absolute inset-y-0 w-2 cursor-col-resize touch-none border-line border-r opacity-0 hover:opacity-100 focus-visible:border-accent focus-visible:opacity-100 group-hover/head:opacity-100 group-data-phone/grid:hidden"
    />
  );
}

function nextSort(sort: Sort, key: SortKey): Sort {
  return { key, direction: sort.key === key && sort.direction === 'asc' ? 'desc' : 'asc' };
}
