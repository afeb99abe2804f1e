import { expect, it } from 'vitest';
import { countFacets, facetsOf } from '@/lib/fleet/filter/facets';
import { mixedFleet } from '@/lib/fleet/test-fleet';
import { fitFacets } from './fit-facets';

const facets = facetsOf(countFacets(mixedFleet(300)), { limit: 100 });
const expandedAt = (width: number) =>
  facets.filter((_, at) => fitFacets(facets, width)[at]).map(({ key }) => key);

it('shows the values of the first facets as far as they fit', () => {
  expect(facets.map(({ key }) => key)).toEqual(['state', 'template', 'environment', 'team', 'owner', 'run']);
  expect(expandedAt(4_000)).toEqual(['state', 'template', 'environment', 'team', 'owner', 'run']);
  expect(expandedAt(1_240).slice(0, 2)).toEqual(['state', 'template']);
  expect(expandedAt(1_240).length).toBeLessThan(6);
  expect(expandedAt(200)).toEqual([]);
});
