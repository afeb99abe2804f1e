'use client';

import { clsx } from 'clsx';
import { type MouseEvent, memo } from 'react';
import { Checkbox } from '@/components/ui/checkbox';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { CellContext } from './columns';
import { nothing } from './fleet-header';
import type { ShownColumn } from './use-columns';

/** How a row stands: in the result, or only held in its place because the filter would hide it or it is gone. */
export type Standing = 'there' | 'hidden' | 'gone';

const STANDING = {
  there: '',
  hidden: 'text-ink-3',
  gone: 'text-ink-3 line-through decoration-line',
} satisfies Record<Standing, string>;

type Props = {
  elementId: string;
  row: IndexedSandbox;
  index: number;
  top: number;
  columns: readonly ShownColumn[];
  tracks: string;
  act: SandboxAct | undefined;
  standing: Standing;
  isSelected: boolean;
  isActive: boolean;
  isMenuOpen: boolean;
  cell: Omit<CellContext, 'act' | 'isGone' | 'isActive'>;
  onSelect: (id: string, event: MouseEvent) => void;
  onMenu: (sandbox: Sandbox, anchor: HTMLElement) => void;
};

/** One sandbox. Drawn again only when something about this row has changed. */
export const FleetRow = memo(function FleetRow({
  row,
  act,
  standing,
  isSelected,
  isActive,
  isMenuOpen,
  cell,
  columns,
  onSelect,
  onMenu,
  ...place
}: Props) {
  const { id } = row.sandbox;
  const context: CellContext = { ...cell, act, isGone: standing === 'gone', isActive };
  return (
    <div
      id={place.elementId}
      role="row"
      aria-rowindex={place.index + 2}
      aria-selected={isSelected}
      className={clsx(
        'group/row absolute left-0 grid h-[34px] w-full items-center gap-4 border-line-soft border-b bg-(--row) px-5 contain-strict',
        // Quiet text must stay readable on the darker ground.
        isSelected && '[--ink-3:var(--ink-2)] [--row:var(--selected)] hover:[--row:var(--selected-hover)]',
        !isSelected && (isActive ? '[--row:var(--hover)]' : '[--row:var(--bg)] hover:[--row:var(--hover)]'),
        STANDING[standing],
      )}
      style={{ top: place.top, gridTemplateColumns: place.tracks }}
    >
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the grid's, and the checkbox's own. */}
      <div
        role="gridcell"
        // A press would take the focus out of the grid, and with Shift it would select text.
        onMouseDown={(event) => event.preventDefault()}
        onClick={standing === 'there' ? (event) => onSelect(id, event) : undefined}
        className={clsx(
          '-mr-2 -ml-5 flex h-full items-center bg-(--row) pl-5 group-data-narrow/grid:sticky group-data-narrow/grid:left-0 group-data-narrow/grid:z-10',
          isActive && 'shadow-[inset_3px_0_0_var(--accent)]',
        )}
      >
        <Checkbox
          tabIndex={-1}
          aria-label={`Select ${id}`}
          checked={isSelected}
          disabled={standing !== 'there'}
          // The cell around it hears the click too.
          onChange={nothing}
        />
      </div>
      {columns.map((column) => (
        <div
          key={column.id}
          role="gridcell"
          className={clsx(
            'truncate leading-[33px]',
            column.alignRight && 'text-right',
            // Which sandbox this is, and what can be done to it, stay in sight however wide the rest is.
            column.id === 'id' &&
              'group-data-narrow/grid:sticky group-data-narrow/grid:left-11 z-10 bg-(--row)',
          )}
        >
          {column.draw(row, context)}
        </div>
      ))}
      <div
        role="gridcell"
        className="bg-(--row) text-right leading-[33px] group-data-narrow/grid:sticky group-data-narrow/grid:right-0"
      >
        <button
          type="button"
          tabIndex={isActive ? 0 : -1}
          aria-haspopup="menu"
          aria-expanded={isMenuOpen}
          aria-label={`Acts on ${id}`}
          onClick={(event) => onMenu(row.sandbox, event.currentTarget)}
          className="dots inline-block size-7 rounded-sm align-middle text-ink-3 hover:bg-line hover:text-ink aria-expanded:bg-line"
        />
      </div>
    </div>
  );
});
