'use client';

import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import type { PointerEvent } from 'react';
import { Checkbox } from '@/components/ui/checkbox';
import { Visible } from '@/components/ui/visible-text';
import type { Sort, SortKey } from '@/lib/fleet/sort';
import type { ShownColumn } from './columns';

/** How many of the matching rows are selected. */
export type HeadState = 'none' | 'some' | 'all';

type Props = {
  columns: readonly ShownColumn[];
  tracks: string;
  minWidth: number;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onResize: (id: string, px: number | null) => void;
  selected: HeadState;
  /** Selects or unselects all matching rows. `null` until all of them have arrived. */
  onSelect: ((all: boolean) => void) | null;
};

/** The header of the grid: the checkbox for all rows, and the column titles that sort. */
export function FleetHeader({
  columns,
  tracks,
  minWidth,
  sort,
  onSort,
  onResize,
  selected,
  onSelect,
}: Props) {
  return (
    <div role="rowgroup" className="sticky top-0 z-20 border-line border-b bg-bg" style={{ minWidth }}>
      <div
        role="row"
        aria-rowindex={1}
        className="grid h-8 items-center gap-4 px-5 group-data-phone/grid:flex group-data-phone/grid:overflow-x-auto group-data-phone/grid:px-3"
        style={{ gridTemplateColumns: tracks }}
      >
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the checkbox handles the keyboard. */}
        <div
          role="columnheader"
          onClick={() => onSelect?.(selected !== 'all')}
          className="-mr-2 -ml-5 flex h-full items-center bg-bg pl-5 group-data-narrow/grid:sticky group-data-narrow/grid:left-0 group-data-phone/grid:mr-0 group-data-phone/grid:-ml-3 group-data-phone/grid:pl-3"
        >
          <Checkbox
            aria-label="Select all matching"
            // Full opacity while it is disabled, so that it does not flash when the rows arrive.
            className="opacity-100!"
            checked={selected === 'all'}
            disabled={onSelect === null}
            // The cell handles the click.
            onChange={noop}
            isIndeterminate={selected === 'some'}
          />
        </div>
        {columns.map((column) => (
          <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} onResize={onResize} />
        ))}
        <span role="columnheader" className="sr-only">
          Actions
        </span>
      </div>
    </div>
  );
}

/** The handler of a checkbox whose cell handles the click. */
export function noop(): void {}

type HeaderCellProps = { column: ShownColumn } & Pick<Props, 'sort' | 'onSort' | 'onResize'>;

function HeaderCell({ column: { id, title, alignRight, sortKey }, sort, onSort, onResize }: HeaderCellProps) {
  const isSorted = sortKey !== undefined && sort.key === sortKey;
  const Arrow = sort.direction === 'asc' ? ArrowUp : ArrowDown;
  const order = isSorted ? (sort.direction === 'asc' ? 'ascending' : 'descending') : 'none';
  return (
    <div
      role="columnheader"
      aria-sort={sortKey ? order : undefined}
      className={clsx(
        'group/head relative flex min-w-0 text-ink-2 text-small group-data-phone/grid:shrink-0',
        alignRight && 'justify-end',
        id === 'id' && 'bg-bg group-data-narrow/grid:sticky group-data-narrow/grid:left-11',
      )}
    >
      {sortKey ? (
        <button
          type="button"
          onClick={() => onSort(nextSort(sort, sortKey))}
          className="flex min-w-0 items-center gap-1 rounded-sm hover:text-ink"
        >
          <Visible text={title} className={clsx('truncate', isSorted && 'text-ink')} />
          {isSorted ? <Arrow size={12} aria-hidden /> : null}
        </button>
      ) : (
        <Visible text={title} className="truncate" />
      )}
      <ResizeHandle onResize={(px) => onResize(id, px)} />
    </div>
  );
}

/** Drags the edge of a column. A double click gives it the width of its content again. */
function ResizeHandle({ onResize }: { onResize: (px: number | null) => void }) {
  function start(event: PointerEvent<HTMLSpanElement>) {
    const handle = event.currentTarget;
    const cell = handle.parentElement;
    if (cell === null || event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const startPx = cell.getBoundingClientRect().width;
    const startX = event.clientX;
    handle.onpointermove = (move) => onResize(startPx + move.clientX - startX);
    handle.onlostpointercapture = () => {
      handle.onpointermove = null;
    };
  }
  return (
    <span
      aria-hidden
      data-resize
      title="Drag to resize. Double-click to fit."
      onPointerDown={start}
      onDoubleClick={() => onResize(null)}
      className="-right-3 absolute inset-y-0 w-2 cursor-col-resize touch-none border-line border-r opacity-0 hover:opacity-100 group-hover/head:opacity-100"
    />
  );
}

function nextSort(sort: Sort, key: SortKey): Sort {
  return { key, direction: sort.key === key && sort.direction === 'asc' ? 'desc' : 'asc' };
}
