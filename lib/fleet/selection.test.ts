import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  extend,
  keepExisting,
  NOTHING_SELECTED,
  reconcile,
  type Selection,
  selectRows,
  toggle,
  unselectRows,
} from './selection';
import { rowWith } from './test-fleet';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
const ROWS = new Map(IDS.map((id) => [id as string, rowWith({ id })]));
const rows = (ids: string | readonly string[]) => [...ids].flatMap((id) => ROWS.get(id) ?? []);
const all = rows(IDS);
const selected = (...ids: string[]) => ids.reduce(toggle, NOTHING_SELECTED);
const idsOf = ({ ids }: Selection) => [...ids].sort().join('');
const effective = (selection: Selection, matching = all, existing = all) =>
  reconcile(selection, matching, existing).rows.map(({ sandbox }) => sandbox.id);

describe('toggle', () => {
  it('selects, unselects, and leaves the others', () => {
    expect(idsOf(selected('a', 'c'))).toBe('ac');
    expect(idsOf(selected('a', 'c', 'a'))).toBe('c');
    expect(NOTHING_SELECTED.ids.size).toBe(0);
  });
});

describe('extend', () => {
  it('selects from the last toggled row to this one, in either direction', () => {
    expect(idsOf(extend(selected('c'), 'e', all))).toBe('cde');
    expect(idsOf(extend(selected('h', 'c'), 'a', all))).toBe('abch');
  });

  it('follows the order on screen', () => {
    expect(idsOf(extend(selected('a'), 'c', rows('dacb')))).toBe('ac');
    expect(idsOf(extend(selected('a'), 'd', rows('dacb')))).toBe('ad');
  });

  it('shrinks when it ends nearer the next time', () => {
    const far = extend(selected('b'), 'f', all);
    expect(idsOf(extend(far, 'c', all))).toBe('bc');
    expect(idsOf(extend(far, 'a', all))).toBe('ab');
  });

  it('unselects the rows between when the anchor was unselected', () => {
    const some = toggle(selectRows(NOTHING_SELECTED, all), 'c');
    expect(idsOf(extend(some, 'e', all))).toBe('abfgh');
    expect(idsOf(extend(some, 'd', all))).toBe('abefgh');
  });

  it('begins with this row where there is no anchor, or none on screen', () => {
    expect(idsOf(extend(NOTHING_SELECTED, 'c', all))).toBe('c');
    const hidden = extend(selected('a'), 'd', rows('cde'));
    expect(idsOf(hidden)).toBe('ad');
    expect(idsOf(extend(hidden, 'e', rows('cde')))).toBe('ade');
    expect(idsOf(extend(selectRows(NOTHING_SELECTED, rows('ab')), 'd', all))).toBe('abd');
  });

  it('can begin somewhere else', () => {
    const moved = extend(selected('a'), 'e', all, 'd');
    expect(idsOf(moved)).toBe('ade');
    expect(idsOf(extend(moved, 'c', all))).toBe('acd');
  });

  it('does nothing to a row that is not on screen', () => {
    const some = selected('a');
    expect(extend(some, 'h', rows('abc'))).toBe(some);
  });
});

describe('everything that matches', () => {
  it('is added to what is selected and taken from it again', () => {
    const some = selectRows(selected('h'), rows('abc'));
    expect(idsOf(some)).toBe('abch');
    expect(idsOf(unselectRows(some, rows('abc')))).toBe('h');
  });
});

describe('keepExisting', () => {
  it('forgets what has vanished, for good', () => {
    const some = keepExisting(selected('a', 'b'), rows('bcd'));
    expect(idsOf(some)).toBe('b');
    expect(idsOf(keepExisting(some, all))).toBe('b');
  });

  it('is the same object while nothing has vanished', () => {
    const some = selected('a', 'b');
    expect(keepExisting(some, rows('hgba'))).toBe(some);
    expect(keepExisting(NOTHING_SELECTED, [])).toBe(NOTHING_SELECTED);
  });

  it('does not draw a range from, or bring back, what has vanished', () => {
    const range = extend(selected('b'), 'd', all);
    const left = keepExisting(range, rows('acdefgh'));
    expect(idsOf(extend(left, 'f', rows('acdefgh')))).toBe('cdf');
    expect(idsOf(extend(keepExisting(range, rows('abdefgh')), 'a', all))).toBe('ab');
    const unselecting = extend(toggle(selected('a', 'b', 'c'), 'c'), 'a', all);
    expect(idsOf(extend(keepExisting(unselecting, rows('bcd')), 'c', all))).toBe('b');
  });
});

describe('reconcile', () => {
  it('leaves out what the filter hides, says how much that is, and brings it back', () => {
    const some = selected('a', 'b', 'c');
    expect(reconcile(some, rows('cdb'), all)).toEqual({ rows: rows('cb'), hidden: 1 });
    expect(reconcile(some, [], all)).toEqual({ rows: [], hidden: 3 });
    expect(reconcile(some, all, all)).toEqual({ rows: rows('abc'), hidden: 0 });
  });

  it('counts nothing that is not there any more, hidden or not', () => {
    expect(reconcile(selected('a', 'b', 'c'), rows('ab'), rows('bcd'))).toEqual({
      rows: rows('b'),
      hidden: 1,
    });
  });
});

describe('whatever happens', () => {
  const id = fc.constantFrom(...IDS);
  const subset = fc.subarray([...IDS]).map((ids) => rows(ids));
  const order = fc.shuffledSubarray([...IDS], { minLength: IDS.length }).map((ids) => rows(ids));
  const step = fc.oneof(
    id.map((one) => (now: Selection) => toggle(now, one)),
    fc.tuple(id, order).map(
      ([one, on]) =>
        (now: Selection) =>
          extend(now, one, on),
    ),
    fc.tuple(id, order, id).map(
      ([one, on, from]) =>
        (now: Selection) =>
          extend(now, one, on, from),
    ),
    subset.map((some) => (now: Selection) => selectRows(now, some)),
    subset.map((some) => (now: Selection) => unselectRows(now, some)),
  );
  const selection = fc
    .array(step, { maxLength: 12 })
    .map((steps) => steps.reduce((now, next) => next(now), NOTHING_SELECTED));

  it('acts go to the selected that match and exist, to each once, and to nothing else', () => {
    fc.assert(
      fc.property(selection, subset, subset, (some, matching, existing) => {
        const expected = matching
          .filter((row) => existing.includes(row) && some.ids.has(row.sandbox.id))
          .map(({ sandbox }) => sandbox.id);
        expect(effective(some, matching, existing)).toEqual(expected);
      }),
    );
  });

  it('selected and existing is either acted on or said to be hidden', () => {
    fc.assert(
      fc.property(selection, subset, (some, matching) => {
        const { rows: acted, hidden } = reconcile(some, matching, all);
        expect(acted.length + hidden).toBe(some.ids.size);
      }),
    );
  });

  it('hiding by a filter and by the order of rows loses nothing and adds nothing', () => {
    fc.assert(
      fc.property(selection, subset, order, (some, matching, sorted) => {
        reconcile(some, matching, all);
        expect(effective(some, sorted).toSorted()).toEqual([...some.ids].toSorted());
      }),
    );
  });

  it('what vanished never comes back by itself', () => {
    fc.assert(
      fc.property(selection, subset, (some, existing) => {
        const left = keepExisting(some, existing);
        expect(keepExisting(left, all)).toBe(left);
        expect(effective(left)).toEqual(effective(some, all, existing));
      }),
    );
  });

  it('only the last of several ranges from one anchor counts', () => {
    fc.assert(
      fc.property(selection, order, id, id, id, (some, on, anchor, first, last) => {
        const begun = toggle(some, anchor);
        expect(idsOf(extend(extend(begun, first, on), last, on))).toBe(idsOf(extend(begun, last, on)));
      }),
    );
  });

  it('a range ends at both ends in what was done to its anchor', () => {
    fc.assert(
      fc.property(selection, order, id, id, (some, on, anchor, end) => {
        const begun = toggle(some, anchor);
        const { ids } = extend(begun, end, on);
        expect([ids.has(anchor), ids.has(end)]).toEqual([begun.ids.has(anchor), begun.ids.has(anchor)]);
      }),
    );
  });
});
