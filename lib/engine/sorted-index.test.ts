import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedIndex } from './sorted-index';

test('behaves like a sorted array', () => {
  const item = fc.integer({ min: 0, max: 50 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), item)), item, (steps, bound) => {
      const index = new SortedIndex<number>((a, b) => a - b);
      const model = new Set<number>();
      for (const [isAdded, value] of steps) {
        if (!isAdded) expect(index.remove(value)).toBe(model.delete(value));
        else if (!model.has(value)) {
          index.add(value);
          model.add(value);
        }
      }
      const sorted = [...model].sort((a, b) => a - b);
      expect([...index.backwards()]).toEqual(sorted.toReversed());
      expect([...index.backwards(bound)]).toEqual(sorted.filter((value) => value < bound).reverse());
      expect([...index.forwards()]).toEqual(sorted);
      expect([...index.forwards(bound)]).toEqual(sorted.filter((value) => value > bound));
      expect(index.takeWhile((value) => value <= bound)).toEqual(sorted.filter((value) => value <= bound));
    }),
  );
});
