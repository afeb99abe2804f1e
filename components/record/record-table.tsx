import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** How a row of a record looks. */
export const ROW = 'h-[34px] border-line-soft border-b hover:bg-hover';

type Props = {
  name: string;
  /** The classes that lay out a row. */
  grid: string;
  columns: readonly ReactNode[];
  /** Whether something else has been asked for that is not here yet. */
  isStale: boolean;
  /** The rows. */
  children: ReactNode;
};

/** A record, one line for each entry, below a head that stays. */
export function RecordTable({ name, grid, columns, isStale, children }: Props) {
  return (
    <div
      role="table"
      aria-label={name}
      aria-busy={isStale}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it.
      tabIndex={0}
      className={clsx(
        'min-h-0 flex-1 overflow-auto outline-none transition-opacity focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset',
        isStale && 'opacity-60',
      )}
    >
      <div role="rowgroup" className="sticky top-0 z-20 bg-bg">
        <div role="row" className={clsx(grid, 'h-8 border-line border-b text-ink-2 text-small')}>
          {columns.map((column, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: columns never change places.
            <span key={at} role="columnheader" className="truncate">
              {column}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup">{children}</div>
    </div>
  );
}

type CellProps = { className?: string; title?: string | undefined; children?: ReactNode };

/** One value of an entry. */
export function Cell({ className, title, children }: CellProps) {
  return (
    <div role="cell" title={title} className={clsx('min-w-0 truncate', className)}>
      {children}
    </div>
  );
}
