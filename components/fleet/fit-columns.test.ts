import { expect, it } from 'vitest';
import { countFacets } from '@/lib/fleet/filter/facets';
import { mixedFleet, rowWith } from '@/lib/fleet/test-fleet';
import { DEFAULT_COLUMNS, parseWidths, printWidths } from './column-choice';
import { fleetColumn, gridOf, keyColumnId } from './columns';
import { drawColumns, fitColumns } from './fit-columns';

const columnsOf = (ids: readonly string[]) =>
  ids.flatMap((id) => {
    const column = fleetColumn(id);
    return column ? [{ ...column, id }] : [];
  });

it('shows the default columns and one of a metadata key without scrolling at 1280 px', () => {
  const counts = countFacets(mixedFleet(100));
  expect(gridOf(fitColumns(columnsOf(DEFAULT_COLUMNS), counts)).minWidth).toBeLessThanOrEqual(1280);
  const withOwner = [...DEFAULT_COLUMNS.slice(0, 3), keyColumnId('owner'), ...DEFAULT_COLUMNS.slice(3)];
  expect(gridOf(fitColumns(columnsOf(withOwner), counts)).minWidth).toBeLessThanOrEqual(1280);
});

it('gives a column the width of its values, within limits', () => {
  const widthOf = (value: string) =>
    fitColumns(columnsOf([keyColumnId('k')]), countFacets([rowWith({ metadata: { k: value } })]))[0]?.widthPx;
  expect(widthOf('a')).toBe(64);
  expect(widthOf('a value of 20 chars.')).toBe(144);
  expect(widthOf('x'.repeat(500))).toBe(168);
});

it('narrows the column of templates to their names, and never beyond its usual width', () => {
  const widthOf = (alias: string) =>
    fitColumns(columnsOf(['template']), countFacets([rowWith({ alias })]))[0]?.widthPx;
  expect(['base', 'node-with-tools', 'x'.repeat(200)].map(widthOf)).toEqual([80, 112, 112]);
});

it('keeps dragged widths of any column, and ignores a broken cookie', () => {
  const widths = { template: 300, [keyColumnId('a=b & c')]: 120 };
  expect(parseWidths(printWidths(widths))).toEqual(widths);
  expect(parseWidths('id=1&template=9999&owner=x&state=')).toEqual({ id: 48, template: 900 });
  expect(parseWidths(null)).toEqual({});
});

it('gives the free width to the metadata, in steps, until a person chooses its width', () => {
  const counts = countFacets([]);
  const drawnPx = (gridPx: number, widths = {}, isPhone = false) =>
    drawColumns(fitColumns(columnsOf(DEFAULT_COLUMNS), counts, widths), gridPx, isPhone).find(
      ({ id }) => id === 'metadata',
    )?.drawnPx;
  const { minWidth } = gridOf(fitColumns(columnsOf(DEFAULT_COLUMNS), counts));
  expect([minWidth - 500, minWidth, minWidth + 7, minWidth + 100].map((px) => drawnPx(px))).toEqual([
    220, 220, 220, 316,
  ]);
  expect(drawnPx(minWidth + 100, { metadata: 150 })).toBe(150);
  expect(drawnPx(390, {}, true)).toBe(206);
});
