import { describe, expect, it } from 'vitest';
import { mixedFleet, NOW_MS, rowWith } from '../test-fleet';
import { countFacets, type Facet, facetsOf, keysOfOneValue, metadataKeysOf, rankValues } from './facets';
import { type Filter, metadataTerm, parseFilter, templateTerm } from './filter';
import { compileFilter } from './match';
import { printTerm } from './print';

describe('facetsOf', () => {
  it('counts states, templates and the most useful keys', () => {
    const rows = mixedFleet(200);
    const facets = facetsOf(countFacets(rows), { limit: 3 });
    expect(facets.map((facet) => facet.key)).toEqual([
      'state',
      'template',
      'environment',
      'team',
      'owner',
      'run',
    ]);
    const owner = facets.find((facet) => facet.key === 'owner');
    expect(owner?.values).toHaveLength(3);
    expect(owner?.more).toBe(3);
  });

  it('keeps the order of facets and values whatever the filter is, and counts the matching rows', () => {
    const rows = mixedFleet(200);
    const fleet = countFacets(rows);
    const matching = countFacets(rows.filter(({ sandbox }) => sandbox.metadata.owner === 'li'));
    const order = (facets: readonly Facet[]) =>
      facets.map(({ key, values }) => [key, values.map(({ value }) => value)]);
    const narrowed = facetsOf(fleet, { limit: 4, matching, filter: [metadataTerm('owner', 'li')] });
    expect(order(narrowed)).toEqual(order(facetsOf(fleet, { limit: 4 })));
    const owner = narrowed.find(({ key }) => key === 'owner');
    expect(owner?.values.map(({ value, count }) => [value, count > 0])).toEqual(
      rankValues(fleet.metadata.get('owner') ?? new Map())
        .slice(0, 4)
        .map(([value]) => [value, value === 'li']),
    );
  });

  it('returns terms that select as many rows as counted', () => {
    const rows = mixedFleet(200);
    for (const { values } of facetsOf(countFacets(rows), { limit: 5, keys: 9 })) {
      for (const { term, count } of values) {
        const test = compileFilter([term]);
        expect(rows.filter((row) => test(row, NOW_MS))).toHaveLength(count);
      }
    }
  });

  it('omits values shared by all rows, except the state', () => {
    const rows = [
      rowWith({ metadata: { team: 'evals' } }),
      rowWith({ metadata: { team: 'evals', owner: 'li' } }),
    ];
    expect(facetsOf(countFacets(rows), { limit: 5 }).map((facet) => facet.key)).toEqual(['state', 'owner']);
  });

  it.each([4, 9, 300])('omits keys with another value in each of %i rows, also while filtered', (count) => {
    const rows = Array.from({ length: count }, (_, at) =>
      rowWith({ metadata: { session: `s-${at}`, owner: at % 2 === 0 ? 'ana' : 'li' } }),
    );
    const keysWith = (filter: Filter) =>
      facetsOf(countFacets(rows), { limit: 100, filter }).map(({ key }) => key);
    expect(keysWith([])).toEqual(['state', 'owner']);
    expect(keysWith([metadataTerm('session', 's-1')])).toEqual(['state', 'owner']);
  });

  it('omits keys whose values hardly repeat', () => {
    const rows = Array.from({ length: 30 }, (_, at) =>
      rowWith({ metadata: { commit: `c-${Math.floor(at / 1.5)}`, run: `r-${at % 12}` } }),
    );
    expect(facetsOf(countFacets(rows), { limit: 100 }).map(({ key }) => key)).toEqual(['state', 'run']);
  });

  it('counts connections if there are several, or if the filter has one', () => {
    const rowsIn = (...names: string[]) =>
      names.map((name, at) => rowWith({ key: `${name}/i${at}`, id: `i${at}` }));
    const kinds = (facets: Facet[]) => facets.map(({ kind }) => kind);
    const several = facetsOf(countFacets(rowsIn('prod', 'staging', 'prod')), { limit: 5 });
    expect(kinds(several)).toEqual(['state', 'connection']);
    expect(several[1]?.values.map(({ value, count, term }) => [value, count, printTerm(term)])).toEqual([
      ['prod', 2, 'connection:prod'],
      ['staging', 1, 'connection:staging'],
    ]);
    const one = countFacets(rowsIn('prod', 'prod'));
    expect(kinds(facetsOf(one, { limit: 5 }))).toEqual(['state']);
    const { filter } = parseFilter('connection:prod');
    expect(kinds(facetsOf(one, { limit: 5, filter }))).toEqual(['state', 'connection']);
  });

  it('returns nothing for no rows', () => {
    expect(facetsOf(countFacets([]), { limit: 5 })).toEqual([]);
    expect(metadataKeysOf(countFacets([]))).toEqual([]);
  });

  it('keeps keys in the filter, even if all rows share the value', () => {
    const rows = [
      rowWith({ metadata: { owner: 'ana', team: 'a' } }),
      rowWith({ metadata: { owner: 'ana', team: 'b' } }),
    ];
    const keysWith = (filter: Filter) =>
      facetsOf(countFacets(rows), { limit: 5, filter }).map(({ key }) => key);
    expect(keysWith([])).toEqual(['state', 'team']);
    expect(keysWith([metadataTerm('owner', 'ana')])).toEqual(['state', 'owner', 'team']);
    expect(keysWith([templateTerm('base')])).toEqual(['state', 'template', 'team']);
  });

  it('supports metadata keys named like properties of Object', () => {
    const metadata = Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    const counts = countFacets([rowWith({ metadata }), rowWith()]);
    expect(metadataKeysOf(counts)).toEqual([
      { key: '__proto__', count: 1, distinct: 1 },
      { key: 'constructor', count: 1, distinct: 1 },
    ]);
  });
});

describe('metadataKeysOf', () => {
  it('ranks almost unique keys last, and rare keys after common ones', () => {
    const rows = Array.from({ length: 40 }, (_, at) =>
      rowWith({
        metadata: {
          task: `task-${at}`,
          owner: `owner-${at % 4}`,
          ...(at < 4 ? { rare: 'yes' } : {}),
        },
      }),
    );
    expect(metadataKeysOf(countFacets(rows))).toEqual([
      { key: 'owner', count: 40, distinct: 4 },
      { key: 'rare', count: 4, distinct: 1 },
      { key: 'task', count: 40, distinct: 40 },
    ]);
  });
});

describe('rankValues', () => {
  it('sorts by frequency, then by name', () => {
    const counts = new Map([
      ['b', 1],
      ['a', 1],
      ['c', 2],
    ]);
    expect(rankValues(counts).map(([value]) => value)).toEqual(['c', 'a', 'b']);
  });
});

describe('keysOfOneValue', () => {
  it('returns the keys of which a filter leaves one value', () => {
    const keysIn = (text: string) => keysOfOneValue(parseFilter(text).filter);
    expect(keysIn('owner=ana team="a b" ')).toEqual(['owner', 'team']);
    expect(keysIn('owner=ana,li run=pr-* team!=a !env=b has:x state:paused age>2h text')).toEqual([]);
    expect(keysOfOneValue(null)).toEqual([]);
  });
});
