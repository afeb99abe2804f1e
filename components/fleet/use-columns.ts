'use client';

import { useTable } from '@tanstack/react-table';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useUrlState } from '@/components/data/use-url-state';
import { rememberInCookie } from '@/components/ui/cookie';
import type { FacetCounts } from '@/lib/fleet/filter/facets';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import {
  addColumn,
  COLUMNS_COOKIE,
  CONNECTION_COLUMN,
  clampWidth,
  DEFAULT_COLUMNS,
  defaultColumns,
  moveColumn,
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
  type ShownColumn,
} from './columns';
import { fitColumns } from './fit-columns';

const NO_ROWS: IndexedSandbox[] = [];

/** Changes of the shown columns. */
export type ColumnActs = {
  toggle: (id: string) => void;
  /** Moves a column to position `to` among the shown ones, counted from 0. */
  move: (id: string, to: number) => void;
  /** Shows the default columns in their order. `null`: they are shown. */
  reset: (() => void) | null;
};

/** The shown columns in their order, from the URL or else the remembered choice. */
export function useColumns(remembered: string | null, areSeveral: boolean) {
  const [inUrl, setInUrl] = useUrlState('cols');
  const defaults = defaultColumns(areSeveral);
  const isOffered = (id: string) => fleetColumn(id) !== null && (areSeveral || id !== CONNECTION_COLUMN);
  const defaultText = printColumns(parseColumns(remembered) ?? defaults);
  const choiceText = printColumns(
    (parseColumns(inUrl) ?? parseColumns(remembered) ?? defaults).filter(isOffered),
  );
  const choice = useMemo(() => parseColumns(choiceText) ?? DEFAULT_COLUMNS, [choiceText]);

  const columns = useMemo(() => {
    const ids = [...Object.keys(FLEET_COLUMNS), ...choice];
    return [...new Set(ids)].map((id) => fleetColumnHelper.display({ id }));
  }, [choice]);
  const table = useTable({
    features: fleetTableFeatures,
    columns,
    data: NO_ROWS,
    state: {
      columnVisibility: Object.fromEntries(columns.map(({ id = '' }) => [id, choice.includes(id)])),
      columnOrder: [...choice],
    },
  });

  // A stable array: rows render again when their columns change.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `choice` determines the columns of the table.
  const shown = useMemo(
    () =>
      table.getVisibleLeafColumns().flatMap(({ id }): ShownColumn[] => {
        const column = fleetColumn(id);
        return column ? [{ ...column, id }] : [];
      }),
    [choice],
  );

  const acts = useMemo((): ColumnActs => {
    function choose(next: readonly string[]) {
      const text = printColumns(next);
      rememberInCookie(COLUMNS_COOKIE, text);
      // `defaultText` still comes from the request. An empty URL would restore it, unless it is the choice.
      setInUrl(text === defaultText ? null : text);
    }
    return {
      toggle: (id) =>
        choose(choice.includes(id) ? choice.filter((other) => other !== id) : addColumn(choice, id)),
      move: (id, to) => choose(moveColumn(choice, id, to)),
      reset: choiceText === printColumns(defaults) ? null : () => choose(defaults),
    };
  }, [choice, choiceText, defaults, defaultText, setInUrl]);
  return { shown, choice, acts };
}

/** The columns with the widths of their content, or as they were dragged. A stable array: rows render again when their columns change. */
export function useFittedColumns(
  columns: readonly ShownColumn[],
  counts: FacetCounts,
  remembered: string | null,
) {
  const [dragged, setDragged] = useState(() => parseWidths(remembered));
  const fitted = fitColumns(columns, counts, dragged);
  const widths = fitted.map(({ widthPx, isChosen }) => `${widthPx}${isChosen ? '!' : ''}`).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `widths` says whether `fitted` has changed.
  const shown: readonly ShownColumn[] = useMemo(() => fitted, [columns, widths]);
  const resize = useCallback((id: string, px: number | null) => {
    setDragged((now) => {
      const { [id]: _, ...others } = now;
      return px === null ? others : { ...others, [id]: clampWidth(px) };
    });
  }, []);
  const resetWidths = useCallback(() => setDragged({}), []);
  const text = printWidths(dragged);
  const written = useRef(text);
  // The cookie is outside React. Written after the drag's rendering, not while the state is computed.
  useEffect(() => {
    if (text === written.current) return;
    written.current = text;
    rememberInCookie(WIDTHS_COOKIE, text);
  }, [text]);
  return { shown, resize, resetWidths: text === '' ? null : resetWidths };
}
