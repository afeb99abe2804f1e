'use client';

import { useTable } from '@tanstack/react-table';
import { useQueryState } from 'nuqs';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { rememberInCookie } from '@/components/ui/cookie';
import type { FacetCounts } from '@/lib/fleet/filter/facets';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import {
  COLUMNS_COOKIE,
  clampWidth,
  DEFAULT_COLUMNS,
  parseColumns,
  parseWidths,
  printColumns,
  printWidths,
  WIDTHS_COOKIE,
} from './column-choice';
import {
  FLEET_COLUMNS,
  fleetColumn,
  fleetColumnHelper,
  fleetTableFeatures,
  keyOfColumn,
  type ShownColumn,
} from './columns';
import { fitColumns } from './fit-columns';

const NO_ROWS: IndexedSandbox[] = [];

/** The shown columns, from the URL or else the remembered choice. */
export function useColumns(remembered: string | null) {
  const [inUrl, setInUrl] = useQueryState('cols');
  const defaults = parseColumns(remembered) ?? DEFAULT_COLUMNS;
  const choice = parseColumns(inUrl) ?? defaults;
  const choiceText = printColumns(choice);

  const columns = useMemo(() => {
    const ids = [...Object.keys(FLEET_COLUMNS), ...choiceText.split(' ').map(decodeURIComponent)];
    return [...new Set(ids)].map((id) => fleetColumnHelper.display({ id }));
  }, [choiceText]);
  const columnVisibility = Object.fromEntries(columns.map(({ id = '' }) => [id, choice.includes(id)]));
  const table = useTable({
    features: fleetTableFeatures,
    columns,
    data: NO_ROWS,
    state: { columnVisibility },
  });

  // A stable array: rows render again when their columns change.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `choiceText` determines the columns of the table.
  const shown = useMemo(
    () =>
      inReadingOrder(
        table.getVisibleLeafColumns().flatMap(({ id }): ShownColumn[] => {
          const column = fleetColumn(id);
          return column ? [{ ...column, id }] : [];
        }),
      ),
    [choiceText],
  );

  function toggle(id: string) {
    const next = choice.includes(id) ? choice.filter((other) => other !== id) : [...choice, id];
    const text = printColumns(next);
    rememberInCookie(COLUMNS_COOKIE, text);
    // `defaults` still come from the request. An empty URL would restore them, unless they are the choice.
    void setInUrl(text === printColumns(defaults) ? null : text);
  }

  return { shown, choice, toggle };
}

/** The columns with the widths of their content, or as they were dragged. A stable array: rows render again when their columns change. */
export function useFittedColumns(
  columns: readonly ShownColumn[],
  counts: FacetCounts,
  remembered: string | null,
) {
  const [dragged, setDragged] = useState(() => parseWidths(remembered));
  const fitted = fitColumns(columns, counts).map((column) =>
    Object.hasOwn(dragged, column.id) ? { ...column, widthPx: dragged[column.id] ?? column.widthPx } : column,
  );
  const widths = fitted.map(({ widthPx }) => widthPx).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `widths` says whether `fitted` has changed.
  const shown: readonly ShownColumn[] = useMemo(() => fitted, [columns, widths]);
  const resize = useCallback((id: string, px: number | null) => {
    setDragged((now) => {
      const { [id]: _, ...others } = now;
      return px === null ? others : { ...others, [id]: clampWidth(px) };
    });
  }, []);
  const text = printWidths(dragged);
  const written = useRef(text);
  // The cookie is outside React. Written after the drag's rendering, not while the state is computed.
  useEffect(() => {
    if (text === written.current) return;
    written.current = text;
    rememberInCookie(WIDTHS_COOKIE, text);
  }, [text]);
  return { shown, resize };
}

/** Moves the columns of metadata keys before the metadata and number columns. */
function inReadingOrder(columns: ShownColumn[]): ShownColumn[] {
  const keys = columns.filter(({ id }) => keyOfColumn(id) !== null);
  const fixed = columns.filter(({ id }) => keyOfColumn(id) === null);
  const after = fixed.findLastIndex(({ id }) => id === 'state' || id === 'id' || id === 'template') + 1;
  return [...fixed.slice(0, after), ...keys, ...fixed.slice(after)];
}
