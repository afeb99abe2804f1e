import type { FacetCounts } from '@/lib/fleet/filter/facets';
import { CONNECTION_COLUMN, type ColumnWidths } from './column-choice';
import { gridOf, keyOfColumn, type ShownColumn } from './columns';

const CHAR_PX = 7.2;
const MIN_PX = 64;
const MAX_PX = 168;
const ARROW_PX = 18;
/** The colour before the name of a connection. */
const DOT_PX = 8;
/** Less when the keys that people look for have columns of their own, so that these push nothing off the screen. */
const METADATA_BESIDE_KEYS_PX = 96;
/** So that all columns fit in 1280 px. */
const METADATA_BESIDE_CONNECTION_PX = 160;

/**
 * Gives the columns of metadata keys and of templates the width of their values, and the rest to the column of all metadata. A column whose
 * width was chosen keeps it: it does not grow.
 */
export function fitColumns(
  columns: readonly ShownColumn[],
  { metadata, templates, connections }: FacetCounts,
  chosen: ColumnWidths = {},
): ShownColumn[] {
  const hasKeys = columns.some(({ id }) => keyOfColumn(id) !== null);
  const hasConnection = columns.some(({ id }) => id === CONNECTION_COLUMN);
  return columns.map((column) => {
    const chosenPx = Object.hasOwn(chosen, column.id) ? chosen[column.id] : undefined;
    if (chosenPx !== undefined) return { ...column, widthPx: chosenPx, grows: false, isChosen: true };
    const key = keyOfColumn(column.id);
    if (key !== null) return { ...column, widthPx: contentWidth(column.title, metadata.get(key), MAX_PX) };
    if (column.id === 'template')
      return { ...column, widthPx: contentWidth(column.title, templates, column.widthPx) };
    if (column.id === CONNECTION_COLUMN)
      return { ...column, widthPx: DOT_PX + contentWidth(column.title, connections, column.widthPx) };
    if (column.id !== 'metadata') return column;
    if (hasKeys) return { ...column, widthPx: METADATA_BESIDE_KEYS_PX };
    return hasConnection ? { ...column, widthPx: METADATA_BESIDE_CONNECTION_PX } : column;
  });
}

function contentWidth(title: string, values: ReadonlyMap<string, number> | undefined, maxPx: number): number {
  let longest = 1;
  for (const value of values?.keys() ?? []) longest = Math.max(longest, value.length);
  const wanted = Math.max(longest * CHAR_PX, title.length * CHAR_PX + ARROW_PX);
  // Steps, so that a live change of the fleet seldom moves a column.
  return Math.min(maxPx, Math.max(MIN_PX, Math.ceil(wanted / 8) * 8));
}

/** A column with the width that it has on the screen, px. */
export type DrawnColumn = ShownColumn & { drawnPx: number };

/** Steps, so that a change of the window's size seldom draws the rows again. */
const STEP_PX = 8;
/** What stands beside the metadata in a row of two lines: its padding, the checkbox, the state, the actions and the gaps. */
const BESIDE_ON_PHONE_PX = 184;
/** The connection before the metadata, where there are several. */
const CONNECTION_ON_PHONE_PX = 84;

/** The columns as they are drawn in a grid of `gridPx`: the one that grows takes what the others leave. */
export function drawColumns(
  columns: readonly ShownColumn[],
  gridPx: number,
  isPhone: boolean,
): readonly DrawnColumn[] {
  const freePx = Math.max(0, gridPx - gridOf(columns).minWidth);
  const wholeStepsPx = freePx - (freePx % STEP_PX);
  const hasConnection = columns.some(({ id }) => id === CONNECTION_COLUMN);
  const onPhonePx = gridPx - BESIDE_ON_PHONE_PX - (hasConnection ? CONNECTION_ON_PHONE_PX : 0);
  return columns.map((column) => ({
    ...column,
    drawnPx: isPhone ? onPhonePx : column.widthPx + (column.grows ? wholeStepsPx : 0),
  }));
}
