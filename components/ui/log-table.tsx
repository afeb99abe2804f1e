'use client';

import { clsx } from 'clsx';
import { useRouter } from 'next/navigation';
import { type MouseEvent, memo, type ReactNode } from 'react';
import { LocalTime, ZoneName } from '@/components/ui/local-time';
import { visibleText } from '@/lib/visible-text';

export type Column<Entry> = {
  id: string;
  title: ReactNode;
  /** A CSS grid track. */
  width: string;
  cell: (entry: Entry) => ReactNode;
  className?: string;
  /** Native tooltip, for text that may be truncated. */
  tooltip?: (entry: Entry) => string | null;
};

type Props<Entry> = {
  name: string;
  columns: readonly Column<Entry>[];
  entries: readonly Entry[];
  idOf: (entry: Entry) => string;
  /** Where a click on a row leads. The row must also contain a link, for the keyboard. */
  hrefOf?: (entry: Entry) => string;
  /** Whether other filters were requested and their page has not arrived. */
  isStale: boolean;
};

/** On a narrow screen, the cells of a row follow each other like words. */
const GRID =
  'items-center gap-x-4 px-5 max-md:flex max-md:flex-wrap max-md:gap-x-3 max-md:py-1.5 md:grid md:min-w-[1080px]';

/** A log with one row per entry and a sticky header. `columns` must keep its identity: rows are memoized. */
export function LogTable<Entry>({ name, columns, entries, idOf, hrefOf, isStale }: Props<Entry>) {
  const tracks = columns.map(({ width }) => width).join(' ');
  return (
    <div
      role="table"
      aria-label={name}
      aria-busy={isStale}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
      tabIndex={0}
      className={clsx(
        'min-h-0 flex-1 overflow-auto outline-none transition-opacity focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset',
        isStale && 'opacity-60',
      )}
    >
      <div role="rowgroup" className="sticky top-0 z-20 bg-bg max-md:sr-only">
        <div
          role="row"
          className={clsx(GRID, 'h-8 border-line border-b text-ink-2 text-small')}
          style={{ gridTemplateColumns: tracks }}
        >
          {columns.map(({ id, title }) => (
            <span key={id} role="columnheader" className="truncate">
              {title}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup">
        {entries.map((entry) => (
          <LogRow
            key={idOf(entry)}
            entry={entry}
            columns={columns}
            tracks={tracks}
            href={hrefOf?.(entry) ?? null}
          />
        ))}
      </div>
    </div>
  );
}

type RowProps<Entry> = {
  entry: Entry;
  columns: readonly Column<Entry>[];
  tracks: string;
  href: string | null;
};

function Row<Entry>({ entry, columns, tracks, href }: RowProps<Entry>) {
  const router = useRouter();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the row contains a link for the keyboard.
    <div
      role="row"
      onClick={(event) => {
        if (href !== null && isRowClick(event)) router.push(href);
      }}
      className={clsx(
        GRID,
        'min-h-[34px] border-line-soft border-b hover:bg-hover',
        href !== null && 'cursor-pointer',
      )}
      style={{ gridTemplateColumns: tracks }}
    >
      {columns.map(({ id, cell, className, tooltip }) => (
        <div
          key={id}
          role="cell"
          title={visibleText(tooltip?.(entry) ?? '', 'block') || undefined}
          className={clsx('min-w-0 truncate max-md:max-w-full max-md:empty:hidden', className)}
        >
          {cell(entry)}
        </div>
      ))}
    </div>
  );
}

const LogRow = memo(Row) as typeof Row;

/** A plain click outside links that did not select text. */
function isRowClick({ target, metaKey, ctrlKey, shiftKey, altKey }: MouseEvent): boolean {
  if (metaKey || ctrlKey || shiftKey || altKey || window.getSelection()?.isCollapsed === false) return false;
  return !(target instanceof Element && target.closest('a'));
}

export function timeColumn<Entry>(nowMs: number, atMs: (entry: Entry) => number): Column<Entry> {
  return {
    id: 'time',
    title: (
      <>
        When <ZoneName ms={nowMs} />
      </>
    ),
    width: '128px',
    className: 'text-ink-2 max-md:-order-1',
    cell: (entry) => <LocalTime ms={atMs(entry)} isShort />,
  };
}
