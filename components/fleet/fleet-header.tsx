'use client';

import { type FocusEvent, type KeyboardEvent, useState } from 'react';
import { Checkbox } from '@/components/ui/checkbox';
import { unlessComposing } from '@/lib/key-events';
import type { DrawnColumn } from './fit-columns';
import { type HeaderActs, HeaderCell } from './header-cell';
import { type ColumnDrag, useColumnDrag } from './use-column-drag';

/** How many of the matching rows are selected. */
export type HeadState = 'none' | 'some' | 'all';

type Props = HeaderActs & {
  columns: readonly DrawnColumn[];
  tracks: string;
  minWidth: number;
  /** Moves a column to a position among the shown ones, counted from 0. */
  onMove: (id: string, to: number) => void;
  selected: HeadState;
  /** Selects or unselects all matching rows. `null` until all of them have arrived. */
  onSelect: ((all: boolean) => void) | null;
};

/**
 * The header of the grid: the checkbox for all rows, and the column titles. Tab stops at one title and its edge; the left and
 * right arrows reach the others, and the down arrow the rows.
 */
export function FleetHeader({ columns, tracks, minWidth, onMove, selected, onSelect, ...acts }: Props) {
  const [lastId, setLastId] = useState<string | null>(null);
  const { drag, onPointerDown } = useColumnDrag(onMove);
  const stopId = columns.some(({ id }) => id === lastId) ? lastId : columns[0]?.id;

  function onFocus({ target }: FocusEvent) {
    const id = target.closest('[data-column]')?.getAttribute('data-column');
    if (id != null) setLastId(id);
  }

  return (
    <div role="rowgroup" className="sticky top-0 z-20 border-line border-b bg-bg" style={{ minWidth }}>
      <div
        role="row"
        aria-rowindex={1}
        onFocus={onFocus}
        onKeyDown={unlessComposing(moveFocus)}
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
        {columns.map((column, at) => (
          <HeaderCell
            key={column.id}
            column={column}
            {...acts}
            isTabStop={column.id === stopId}
            draggedPx={drag?.id === column.id ? drag.byPx : null}
            drop={dropSide(columns, at, drag)}
            onStep={(by) => onMove(column.id, at + by)}
            onPointerDown={(event) => onPointerDown(event, column.id)}
          />
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

/** The side of the column at `at` where the dragged one would be placed, or `null`. */
function dropSide(
  columns: readonly DrawnColumn[],
  at: number,
  drag: ColumnDrag | null,
): 'before' | 'after' | null {
  const from = columns.findIndex(({ id }) => id === drag?.id);
  if (drag === null || drag.to === from || drag.to !== at) return null;
  return drag.to < from ? 'before' : 'after';
}

/** Moves the focus between the titles, or into the rows. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const { key, currentTarget, target } = event;
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const titles = [...currentTarget.querySelectorAll<HTMLElement>('[data-title]')];
  const at = titles.indexOf(target as HTMLElement);
  if (at < 0) return;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: titles.length - 1 }[key];
  const next = key === 'ArrowDown' ? currentTarget.closest<HTMLElement>('[role=grid]') : titles[to ?? -1];
  if (next == null) return;
  event.preventDefault();
  next.focus({ preventScroll: key === 'ArrowDown' });
}
