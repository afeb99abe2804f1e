'use client';

import { clsx } from 'clsx';
import { type MouseEvent, memo } from 'react';
import { Checkbox } from '@/components/ui/checkbox';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { CONNECTION_COLUMN } from './column-choice';
import type { CellContext } from './columns';
import type { DrawnColumn } from './fit-columns';
import { noop } from './fleet-header';

/** Whether a row matches, or is only kept in its place although the filter would hide it or the sandbox is gone. */
export type RowStatus = 'matching' | 'hidden' | 'gone';

const ROW_STATUS_CLASSES = {
  matching: '',
  hidden: 'text-ink-3',
  gone: 'text-ink-3 line-through decoration-line',
} satisfies Record<RowStatus, string>;

/** Where a cell stands in a row of two lines. Other columns are left out. */
const PHONE_PLACES: Readonly<Record<string, string>> = {
  id: 'group-data-phone/grid:col-span-2 group-data-phone/grid:col-start-2 group-data-phone/grid:row-start-1 group-data-phone/grid:leading-[29px]',
  left: 'group-data-phone/grid:col-start-4 group-data-phone/grid:row-start-1 group-data-phone/grid:leading-[29px]',
  state:
    'group-data-phone/grid:col-start-2 group-data-phone/grid:row-start-2 group-data-phone/grid:leading-[24px]',
  // Before the metadata, which leaves it this much.
  connection:
    'group-data-phone/grid:col-start-3 group-data-phone/grid:row-start-2 group-data-phone/grid:leading-[24px] group-data-phone/grid:w-19',
  metadata:
    'group-data-phone/grid:col-span-2 group-data-phone/grid:col-start-3 group-data-phone/grid:row-start-2 group-data-phone/grid:leading-[24px]',
};

type Props = {
  elementId: string;
  row: IndexedSandbox;
  index: number;
  top: number;
  columns: readonly DrawnColumn[];
  tracks: string;
  act: SandboxAct | undefined;
  status: RowStatus;
  isSelected: boolean;
  isActive: boolean;
  isMenuOpen: boolean;
  cell: Omit<CellContext, 'act' | 'isGone' | 'isActive'>;
  onSelect: (key: SandboxKey, event: MouseEvent) => void;
  onMenu: (sandbox: Sandbox, anchor: HTMLElement) => void;
};

/** One sandbox. Renders again only when this row changes. */
export const FleetRow = memo(function FleetRow({
  row,
  act,
  status,
  isSelected,
  isActive,
  isMenuOpen,
  cell,
  columns,
  onSelect,
  onMenu,
  ...place
}: Props) {
  const { id, key } = row.sandbox;
  const hasConnection = columns.some((column) => column.id === CONNECTION_COLUMN);
  const context: CellContext = { ...cell, act, isGone: status === 'gone', isActive };
  return (
    <div
      id={place.elementId}
      role="row"
      aria-rowindex={place.index + 2}
      aria-selected={isSelected}
      className={clsx(
        'group/row absolute left-0 grid h-[34px] w-full items-center gap-4 border-line-soft border-b bg-(--row) px-5 contain-strict',
        'group-data-phone/grid:h-[58px] group-data-phone/grid:grid-cols-[24px_auto_minmax(0,1fr)_auto_28px]! group-data-phone/grid:grid-rows-[29px_28px] group-data-phone/grid:gap-x-2 group-data-phone/grid:gap-y-0 group-data-phone/grid:px-3',
        // Keeps dim text readable on the darker background.
        isSelected && '[--ink-3:var(--ink-2)] [--row:var(--selected)] hover:[--row:var(--selected-hover)]',
        !isSelected && (isActive ? '[--row:var(--hover)]' : '[--row:var(--bg)] hover:[--row:var(--hover)]'),
        ROW_STATUS_CLASSES[status],
      )}
      style={{ top: place.top, gridTemplateColumns: place.tracks }}
    >
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the grid and the checkbox handle the keyboard. */}
      <div
        role="gridcell"
        // Keeps the focus in the grid, and keeps Shift from selecting text.
        onMouseDown={(event) => event.preventDefault()}
        onClick={status === 'matching' ? (event) => onSelect(key, event) : undefined}
        className={clsx(
          '-mr-2 -ml-5 flex h-full items-center bg-(--row) pl-5 group-data-narrow/grid:sticky group-data-narrow/grid:left-0 group-data-narrow/grid:z-10',
          'group-data-phone/grid:row-span-2 group-data-phone/grid:-ml-3 group-data-phone/grid:pl-3',
          isActive && 'shadow-[inset_3px_0_0_var(--accent)]',
        )}
      >
        <Checkbox
          tabIndex={-1}
          aria-label={`Select ${id}`}
          checked={isSelected}
          disabled={status !== 'matching'}
          // The cell handles the click.
          onChange={noop}
        />
      </div>
      {columns.map((column) => (
        <div
          key={column.id}
          role="gridcell"
          className={clsx(
            'truncate leading-[33px]',
            column.alignRight && 'text-right',
            PHONE_PLACES[column.id] ?? 'group-data-phone/grid:hidden',
            column.id === 'metadata' && hasConnection && 'group-data-phone/grid:pl-[84px]',
            // The id and the action menu stay visible when the grid scrolls sideways.
            column.id === 'id' &&
              'group-data-narrow/grid:sticky group-data-narrow/grid:left-11 z-10 bg-(--row)',
          )}
        >
          {column.draw(row, context, column.drawnPx)}
        </div>
      ))}
      <div
        role="gridcell"
        className="bg-(--row) text-right leading-[33px] group-data-narrow/grid:sticky group-data-narrow/grid:right-0 group-data-phone/grid:col-start-5 group-data-phone/grid:row-span-2 group-data-phone/grid:row-start-1"
      >
        <button
          type="button"
          tabIndex={isActive ? 0 : -1}
          aria-haspopup="menu"
          aria-expanded={isMenuOpen}
          aria-label={`Actions for ${id}`}
          onClick={(event) => onMenu(row.sandbox, event.currentTarget)}
          className="dots inline-block size-7 rounded-sm align-middle text-ink-3 hover:bg-line hover:text-ink aria-expanded:bg-line"
        />
      </div>
    </div>
  );
});
