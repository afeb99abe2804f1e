import type { FacetCounts } from '@/lib/fleet/filter/facets';
import type { ShownColumn } from './columns';
import { keyOfColumn } from './columns';

const CHAR_PX = 7.2;
const MIN_PX = 64;
const MAX_PX = 168;
const ARROW_PX = 18;
/** Less when the keys that people look for have columns of their own, so that these push nothing off the screen. */
const METADATA_BESIDE_KEYS_PX = 96;

/** Gives the columns of metadata keys the width of their values, and takes it from the column of all metadata. */
export function fitColumns(columns: readonly ShownColumn[], { metadata }: FacetCounts): ShownColumn[] {
  const hasKeys = columns.some(({ id }) => keyOfColumn(id) !== null);
  return columns.map((column) => {
    const key = keyOfColumn(column.id);
    if (key === null)
      return column.id === 'metadata' && hasKeys ? { ...column, widthPx: METADATA_BESIDE_KEYS_PX } : column;
    let longest = 1;
    for (const value of metadata.get(key)?.keys() ?? []) longest = Math.max(longest, value.length);
    const wanted = Math.max(longest * CHAR_PX, key.length * CHAR_PX + ARROW_PX);
    // Steps, so that a live change of the fleet seldom moves a column.
    const widthPx = Math.min(MAX_PX, Math.max(MIN_PX, Math.ceil(wanted / 8) * 8));
    return { ...column, widthPx };
  });
}
