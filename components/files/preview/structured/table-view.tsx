'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { type KeyboardEvent, type RefObject, useMemo, useRef, useState } from 'react';
import { CopyButton } from '@/components/ui/copy-button';
import { Visible } from '@/components/ui/visible-text';
import { MAX_COLUMNS, readTable, type TableText } from '@/lib/files/preview/structured/table-rows';
import { newDecoder } from '@/lib/files/preview/text/encoding';
import { withoutHoles } from '@/lib/files/preview/text/text-pieces';
import { unlessComposing } from '@/lib/key-events';
import type { PreviewProps } from '../preview-props';
import { useWhole } from '../use-whole';
import { WholeFrame } from '../whole-frame';

const ROW_PX = 26;
const NUMBER_PX = 64;
const MAX_CELL_CHARS = 200;
const MAX_SHOWN_CHARS = 5_000;
const SAMPLED_ROWS = 200;
const CHARACTER_PX = 7.6;

const DELIMITERS: Readonly<Record<string, string>> = {
  ',': 'commas',
  '\t': 'tabs',
  ';': 'semicolons',
  '|': 'bars',
};

export function TableView(props: PreviewProps) {
  const { encoding, entry, isLive } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const whole = useWhole(props, {
    view: 'table',
    scroller,
    parse: (bytes, signal) =>
      readTable(withoutHoles(newDecoder(encoding).decode(bytes)), {
        signal,
        ...(/\.tsv$/i.test(entry.name) ? { delimiter: '\t' } : {}),
      }),
  });
  return (
    <WholeFrame whole={whole} isLive={isLive}>
      {(table) =>
        table.columns === 0 ? (
          <p className="px-5 py-4 text-ink-2">This file is empty.</p>
        ) : (
          <Cells table={table} scroller={scroller} />
        )
      }
    </WholeFrame>
  );
}

function Cells({ table, scroller }: { table: TableText; scroller: RefObject<HTMLDivElement | null> }) {
  const { header, rows } = table;
  const columns = Math.min(table.columns, MAX_COLUMNS);
  const widths = useMemo(() => columnWidths(table), [table]);
  const [wanted, setActive] = useState({ row: 0, column: 0 });
  // The file may have been cut.
  const active = {
    row: Math.min(wanted.row, Math.max(0, rows.length - 1)),
    column: Math.min(wanted.column, columns - 1),
  };
  const down = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    scrollPaddingStart: ROW_PX,
    overscan: 10,
  });
  const across = useVirtualizer({
    horizontal: true,
    count: columns,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? 80,
    scrollPaddingStart: NUMBER_PX,
    overscan: 2,
  });
  const shown = across.getVirtualItems();
  const widthPx = NUMBER_PX + across.getTotalSize();

  function onKeyDown(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const steps: Record<string, [number, number]> = {
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
      PageDown: [page, 0],
      PageUp: [-page, 0],
      Home: event.ctrlKey ? [-rows.length, 0] : [0, -columns],
      End: event.ctrlKey ? [rows.length, 0] : [0, columns],
    };
    const [rowStep, columnStep] = steps[event.key] ?? [0, 0];
    if (rowStep === 0 && columnStep === 0) return;
    event.preventDefault();
    const row = Math.min(Math.max(active.row + rowStep, 0), Math.max(0, rows.length - 1));
    const column = Math.min(Math.max(active.column + columnStep, 0), columns - 1);
    setActive({ row, column });
    if (rowStep !== 0) down.scrollToIndex(row);
    if (columnStep !== 0) across.scrollToIndex(column);
  }

  return (
    <>
      <div
        ref={scroller}
        role="grid"
        aria-label="Table"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns}
        aria-activedescendant={`cell-${active.row}-${active.column}`}
        tabIndex={0}
        onKeyDown={unlessComposing(onKeyDown)}
        className="min-h-0 flex-1 overflow-auto text-small outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
      >
        <div className="relative" style={{ height: down.getTotalSize() + ROW_PX, width: widthPx }}>
          <div
            role="row"
            aria-rowindex={1}
            className="sticky top-0 z-10 border-line border-b bg-bg font-medium"
            style={{ height: ROW_PX }}
          >
            <span
              className="sticky left-0 z-10 block bg-bg"
              style={{ width: NUMBER_PX, height: ROW_PX - 1 }}
            />
            {shown.map(({ index, start, size }) => (
              <Cell
                key={index}
                role="columnheader"
                column={index}
                start={start}
                size={size}
                text={header[index] ?? ''}
              />
            ))}
          </div>
          {down.getVirtualItems().map(({ index, start }) => (
            <div
              key={index}
              role="row"
              aria-rowindex={index + 2}
              className="absolute left-0 border-line-soft border-b hover:bg-hover"
              style={{ top: start + ROW_PX, height: ROW_PX, width: widthPx }}
            >
              <span
                role="rowheader"
                className="sticky left-0 z-[5] block bg-bg pr-3 text-right leading-[25px] text-ink-3"
                style={{ width: NUMBER_PX, height: ROW_PX - 1 }}
              >
                {(index + 1).toLocaleString('en')}
              </span>
              {shown.map(({ index: column, start: left, size }) => (
                <Cell
                  key={column}
                  id={`cell-${index}-${column}`}
                  role="gridcell"
                  column={column}
                  start={left}
                  size={size}
                  text={rows[index]?.[column] ?? ''}
                  isActive={active.row === index && active.column === column}
                  onClick={() => setActive({ row: index, column })}
                />
              ))}
            </div>
          ))}
        </div>
      </div>
      <ActiveCell table={table} row={active.row} column={active.column} />
    </>
  );
}

type CellProps = {
  id?: string;
  role: 'columnheader' | 'gridcell';
  column: number;
  start: number;
  size: number;
  text: string;
  isActive?: boolean;
  onClick?: () => void;
};

const NUMERIC = /^[-+]?[\d.,]+(?:[eE][+-]?\d+)?%?$/;

function Cell({ id, role, column, start, size, text, isActive = false, onClick }: CellProps) {
  const cut = text.length > MAX_CELL_CHARS ? `${text.slice(0, MAX_CELL_CHARS)}…` : text;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles keys.
    // biome-ignore lint/a11y/noStaticElementInteractions: the role comes from the props.
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: as above.
    <span
      id={id}
      role={role}
      aria-colindex={column + 1}
      aria-selected={role === 'gridcell' ? isActive : undefined}
      onClick={onClick}
      className={clsx(
        'absolute top-0 truncate px-2 leading-[25px]',
        role === 'gridcell' && NUMERIC.test(cut) && 'text-right',
        isActive && 'bg-selected outline-1 outline-accent -outline-offset-1',
      )}
      style={{ left: NUMBER_PX + start, width: size, height: ROW_PX - 1 }}
    >
      <Visible text={cut} className="whitespace-pre" />
    </span>
  );
}

/** The full text of the active cell, and a summary of the table. */
function ActiveCell({ table, row, column }: { table: TableText; row: number; column: number }) {
  const { header, rows, columns, delimiter, isCut, problem } = table;
  const text = rows[row]?.[column] ?? '';
  return (
    <footer className="shrink-0 border-line border-t text-small">
      {text === '' ? null : (
        <div className="flex max-h-24 items-start gap-2 overflow-y-auto border-line-soft border-b px-5 py-1.5">
          <span className="shrink-0 text-ink-3">
            <Visible text={(header[column] ?? `Column ${column + 1}`).slice(0, 60)} />, row{' '}
            {(row + 1).toLocaleString('en')}
          </span>
          <span translate="no" className="min-w-0 whitespace-pre-wrap break-all font-mono">
            <Visible text={text.slice(0, MAX_SHOWN_CHARS)} />
            {text.length > MAX_SHOWN_CHARS ? '…' : ''}
          </span>
          <CopyButton text={text} label="Copy cell" className="-my-1" />
        </div>
      )}
      <p className="flex min-h-7 flex-wrap items-center gap-x-4 px-5 text-ink-3">
        <span>
          {isCut ? 'The first ' : ''}
          {rows.length.toLocaleString('en')} {rows.length === 1 ? 'row' : 'rows'}
        </span>
        <span>
          {columns > MAX_COLUMNS ? `the first ${MAX_COLUMNS.toLocaleString('en')} of ` : ''}
          {columns.toLocaleString('en')} {columns === 1 ? 'column' : 'columns'}
        </span>
        <span>separated by {DELIMITERS[delimiter] ?? 'another character'}</span>
        {problem === null ? null : (
          <span className="text-ink-2">
            Error in row {problem.row.toLocaleString('en')}: {problem.message}
          </span>
        )}
      </p>
    </footer>
  );
}

function columnWidths({ header, rows, columns }: TableText): number[] {
  const sample = [header, ...rows.slice(0, SAMPLED_ROWS)];
  return Array.from({ length: Math.min(columns, MAX_COLUMNS) }, (_, column) => {
    const longest = sample.reduce((max, row) => Math.max(max, row[column]?.length ?? 0), 0);
    return Math.round(Math.min(Math.max(longest * CHARACTER_PX + 20, 60), 320));
  });
}
