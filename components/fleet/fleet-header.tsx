'use client';

import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { Checkbox } from '@/components/ui/checkbox';
import { Visible } from '@/components/ui/visible-text';
import type { Sort, SortKey } from '@/lib/fleet/sort';
import type { ShownColumn } from './use-columns';

/** How many of the matching rows are selected. */
export type HeadState = 'none' | 'some' | 'all';

type Props = {
  columns: readonly ShownColumn[];
  tracks: string;
  minWidth: number;
  sort: Sort;
  onSort: (sort: Sort) => void;
  selected: HeadState;
  /** Selects or unselects all matching rows. `null` until all of them have arrived. */
  onSelect: ((all: boolean) => void) | null;
};

/** The header of the grid: the checkbox for all rows, and the column titles that sort. */
export function FleetHeader({ columns, tracks, minWidth, sort, onSort, selected, onSelect }: Props) {
  return (
    <div role="rowgroup" className="sticky top-0 z-20 border-line border-b bg-bg" style={{ minWidth }}>
      <div
        role="row"
        aria-rowindex={1}
        className="grid h-8 items-center gap-4 px-5"
        style={{ gridTemplateColumns: tracks }}
      >
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the checkbox handles the keyboard. */}
        <div
          role="columnheader"
          onClick={() => onSelect?.(selected !== 'all')}
          className="-mr-2 -ml-5 flex h-full items-center bg-bg pl-5 group-data-narrow/grid:sticky group-data-narrow/grid:left-0"
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
          <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
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

type HeaderCellProps = { column: ShownColumn; sort: Sort; onSort: (sort: Sort) => void };

function HeaderCell({ column: { id, title, alignRight, sortKey }, sort, onSort }: HeaderCellProps) {
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
    </div>
  );
}

function nextSort(sort: Sort, key: SortKey): Sort {
  return { key, direction: sort.key === key && sort.direction === 'asc' ? 'desc' : 'asc' };
}
