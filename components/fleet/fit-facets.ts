import type { Facet } from '@/lib/fleet/filter/facets';

/** The number of values of a facet shown beside its name. */
export const INLINE_VALUES = 4;

// Estimates: text is cut at MAX_TEXT_PX, and a row that is a little too wide scrolls.
const CHAR_PX = 7;
const MAX_TEXT_PX = 160;
const GAP_PX = 10;
const FACET_GAP_PX = 20;
const CHEVRON_PX = 15;

/**
 * Whether each facet has room for its values in `widthPx`, in order: earlier facets are more useful. The names of all of
 * them always come first.
 */
export function fitFacets(facets: readonly Facet[], widthPx: number): boolean[] {
  const sizes = facets.map((facet) => ({ name: nameWidth(facet), whole: wholeWidth(facet) }));
  let left = widthPx - sizes.reduce((sum, { name }) => sum + name + FACET_GAP_PX, 0);
  return sizes.map(({ name, whole }) => {
    const fits = whole - name <= left;
    if (fits) left -= whole - name;
    return fits;
  });
}

function nameWidth({ key }: Facet): number {
  return textWidth(key) + CHEVRON_PX;
}

function wholeWidth({ key, values, more }: Facet): number {
  const inline = values.slice(0, INLINE_VALUES);
  const widths = inline.map(({ value, count }) => GAP_PX + textWidth(value) + 4 + textWidth(String(count)));
  const rest = values.length + more - inline.length;
  return (
    textWidth(key) +
    widths.reduce((sum, width) => sum + width, 0) +
    (rest > 0 ? GAP_PX + textWidth(`+${rest}`) : 0)
  );
}

function textWidth(text: string): number {
  return Math.min(MAX_TEXT_PX, text.length * CHAR_PX);
}
