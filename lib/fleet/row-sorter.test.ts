import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { IndexedSandbox } from './row-index';
import { RowSorter } from './row-sorter';
import { parseSort, type Sort, sortRows } from './sort';
import { mixedFleet, NOW_MS, rowWith } from './test-fleet';

const SORTS = ['age', '-left', 'connection', 'meta:run', 'id', '-template'].flatMap((text): Sort[] =>
  [parseSort(text)].filter((sort) => sort !== null),
);

it('sorts like sortRows, whatever comes, changes and goes', () => {
  const step = fc.record({
    removed: fc.array(fc.nat(39), { maxLength: 5 }),
    changed: fc.array(fc.tuple(fc.nat(39), fc.nat(20)), { maxLength: 5 }),
    sort: fc.constantFrom(...SORTS),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
      const sorter = new RowSorter();
      const rows = new Map(mixedFleet(40).map((row, at): [number, IndexedSandbox] => [at, row]));
      for (const { removed, changed, sort } of steps) {
        for (const at of removed) rows.delete(at);
        for (const [at, minutes] of changed)
          rows.set(at, rowWith({ id: `n${at}`, startedAtMs: NOW_MS - minutes * 60_000 }));
        const now = [...rows.values()];
        expect(sorter.sort(now, sort)).toEqual(sortRows(now, sort));
        expect(sorter.sort(now, sort)).toBe(sorter.sort(now, sort));
      }
    }),
  );
});
