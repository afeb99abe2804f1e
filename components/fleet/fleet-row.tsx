'use client';

import { clsx } from 'clsx';
import { memo } from 'react';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { CellContext } from './columns';
import type { ShownColumn } from './use-columns';

type Props = {
  elementId: string;
  row: IndexedSandbox;
  index: number;
  top: number;
  columns: readonly ShownColumn[];
  tracks: string;
  act: SandboxAct | undefined;
  isGone: boolean;
  isActive: boolean;
  isMenuOpen: boolean;
  cell: Omit<CellContext, 'act' | 'isGone'>;
  onMenu: (sandbox: Sandbox, anchor: HTMLElement) => void;
};

/** One sandbox. Drawn again only when something about this row has changed. */
export const FleetRow = memo(function FleetRow({
  row,
  act,
  isGone,
  isActive,
  isMenuOpen,
  cell,
  columns,
  onMenu,
  ...place
}: Props) {
  const context: CellContext = { ...cell, act, isGone };
  return (
    <div
      id={place.elementId}
      role="row"
      aria-rowindex={place.index + 2}
      aria-selected={isActive}
      className={clsx(
        'group/row absolute left-0 grid h-[34px] w-full items-center gap-4 border-line-soft border-b bg-(--row) px-5 contain-strict',
        isActive ? '[--row:var(--selected)]' : '[--row:var(--bg)] hover:[--row:var(--hover)]',
        isGone && 'text-ink-3 line-through decoration-line',
      )}
      style={{ top: place.top, gridTemplateColumns: place.tracks }}
    >
      {columns.map(({ id, alignRight, draw }) => (
        <div
          key={id}
          role="gridcell"
          className={clsx(
            'truncate leading-[33px]',
            alignRight && 'text-right',
            // Which sandbox this is, and what can be done to it, stay in sight however wide the rest is.
            id === 'id' && 'group-data-narrow/grid:sticky group-data-narrow/grid:left-0 z-10 bg-(--row)',
          )}
        >
          {draw(row, context)}
        </div>
      ))}
      <div
        role="gridcell"
        className="bg-(--row) text-right leading-[33px] group-data-narrow/grid:sticky group-data-narrow/grid:right-0"
      >
        <button
          type="button"
          aria-haspopup="menu"
          aria-expanded={isMenuOpen}
          aria-label={`Acts on ${row.sandbox.id}`}
          onClick={(event) => onMenu(row.sandbox, event.currentTarget)}
          className="dots inline-block size-7 rounded-sm align-middle text-ink-3 hover:bg-line hover:text-ink aria-expanded:bg-line"
        />
      </div>
    </div>
  );
});
