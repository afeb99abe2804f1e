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
  unselectTaken,
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
  it('selects and unselects one row', () => {
    expect(idsOf(selected('a', 'c'))).toBe('ac');
    expect(idsOf(selected('a', 'c', 'a'))).toBe('c');
    expect(NOTHING_SELECTED.ids.size).toBe(0);
  });
});

describe('extend', () => {
  it('selects from the last toggled row, in both directions', () => {
    expect(idsOf(extend(selected('c'), 'e', all))).toBe('cde');
    expect(idsOf(extend(selected('h', 'c'), 'a', all))).toBe('abch');
  });

  it('follows the order on screen', () => {
    expect(idsOf(extend(selected('a'), 'c', rows('dacb')))).toBe('ac');
    expect(idsOf(extend(selected('a'), 'd', rows('dacb')))).toBe('ad');
  });

  it('shrinks when the range gets shorter', () => {
    const far = extend(selected('b'), 'f', all);
    expect(idsOf(extend(far, 'c', all))).toBe('bc');
    expect(idsOf(extend(far, 'a', all))).toBe('ab');
  });

  it('unselects the range if the anchor was unselected', () => {
    const some = toggle(selectRows(NOTHING_SELECTED, all), 'c');
    expect(idsOf(extend(some, 'e', all))).toBe('abfgh');
    expect(idsOf(extend(some, 'd', all))).toBe('abefgh');
  });

  it('starts at this row if no anchor is on screen', () => {
    expect(idsOf(extend(NOTHING_SELECTED, 'c', all))).toBe('c');
    const hidden = extend(selected('a'), 'd', rows('cde'));
    expect(idsOf(hidden)).toBe('ad');
    expect(idsOf(extend(hidden, 'e', rows('cde')))).toBe('ade');
    expect(idsOf(extend(selectRows(NOTHING_SELECTED, rows('ab')), 'd', all))).toBe('abd');
  });

  it('can start at another row', () => {
    const moved = extend(selected('a'), 'e', all, 'd');
    expect(idsOf(moved)).toBe('ade');
    expect(idsOf(extend(moved, 'c', all))).toBe('acd');
  });

  it('ignores a row that is not on screen', () => {
    const some = selected('a');
    expect(extend(some, 'h', rows('abc'))).toBe(some);
  });
});

describe('selectRows and unselectRows', () => {
  it('add rows to the selection and remove them', () => {
    const some = selectRows(selected('h'), rows('abc'));
    expect(idsOf(some)).toBe('abch');
    expect(idsOf(unselectRows(some, rows('abc')))).toBe('h');
  });
});

describe('keepExisting', () => {
  it('removes rows that are gone, permanently', () => {
    const some = keepExisting(selected('a', 'b'), rows('bcd'));
    expect(idsOf(some)).toBe('b');
    expect(idsOf(keepExisting(some, all))).toBe('b');
  });

  it('returns the same object if no row is gone', () => {
    const some = selected('a', 'b');
    expect(keepExisting(some, rows('hgba'))).toBe(some);
    expect(keepExisting(NOTHING_SELECTED, [])).toBe(NOTHING_SELECTED);
  });

  it('drops the anchor and base of rows that are gone', () => {
    const range = extend(selected('b'), 'd', all);
    const left = keepExisting(range, rows('acdefgh'));
    expect(idsOf(extend(left, 'f', rows('acdefgh')))).toBe('cdf');
    expect(idsOf(extend(keepExisting(range, rows('abdefgh')), 'a', all))).toBe('ab');
    const unselecting = extend(toggle(selected('a', 'b', 'c'), 'c'), 'a', all);
    expect(idsOf(extend(keepExisting(unselecting, rows('bcd')), 'c', all))).toBe('b');
  });
});

describe('reconcile', () => {
  it('excludes and counts rows hidden by the filter, and restores them', () => {
    const some = selected('a', 'b', 'c');
    expect(reconcile(some, rows('cdb'), all)).toEqual({ rows: rows('cb'), hidden: 1 });
    expect(reconcile(some, [], all)).toEqual({ rows: [], hidden: 3 });
    expect(reconcile(some, all, all)).toEqual({ rows: rows('abc'), hidden: 0 });
  });

  it('ignores rows that are gone, hidden or not', () => {
    expect(reconcile(selected('a', 'b', 'c'), rows('ab'), rows('bcd'))).toEqual({
      rows: rows('b'),
      hidden: 1,
    });
  });
});

describe('any sequence of changes', () => {
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

  it('applies actions once to each selected, existing, matching row, and to no other', () => {
    fc.assert(
      fc.property(selection, subset, subset, (some, matching, existing) => {
        const expected = matching
          .filter((row) => existing.includes(row) && some.ids.has(row.sandbox.id))
          .map(({ sandbox }) => sandbox.id);
        expect(effective(some, matching, existing)).toEqual(expected);
      }),
    );
  });

  it('includes every selected, existing row or counts it as hidden', () => {
    fc.assert(
      fc.property(selection, subset, (some, matching) => {
        const { rows: acted, hidden } = reconcile(some, matching, all);
        expect(acted.length + hidden).toBe(some.ids.size);
      }),
    );
  });

  it('keeps the selection when the filter or the order changes', () => {
    fc.assert(
      fc.property(selection, subset, order, (some, matching, sorted) => {
        reconcile(some, matching, all);
        expect(effective(some, sorted).toSorted()).toEqual([...some.ids].toSorted());
      }),
    );
  });

  it('never selects a removed row again', () => {
    fc.assert(
      fc.property(selection, subset, (some, existing) => {
        const left = keepExisting(some, existing);
        expect(keepExisting(left, all)).toBe(left);
        expect(effective(left)).toEqual(effective(some, all, existing));
      }),
    );
  });

  it('keeps only the last of several ranges from one anchor', () => {
    fc.assert(
      fc.property(selection, order, id, id, id, (some, on, anchor, first, last) => {
        const begun = toggle(some, anchor);
        expect(idsOf(extend(extend(begun, first, on), last, on))).toBe(idsOf(extend(begun, last, on)));
      }),
    );
  });

  it('gives both ends of a range the state of the anchor', () => {
    fc.assert(
      fc.property(selection, order, id, id, (some, on, anchor, end) => {
        const begun = toggle(some, anchor);
        const { ids } = extend(begun, end, on);
        expect([ids.has(anchor), ids.has(end)]).toEqual([begun.ids.has(anchor), begun.ids.has(anchor)]);
      }),
    );
  });
});

describe('unselectTaken', () => {
  it('removes the sandboxes of an operation and forgets the anchor', () => {
    const left = unselectTaken(selected('a', 'b', 'c'), ['a', 'b', 'elsewhere']);
    expect(idsOf(left)).toBe('c');
    expect(left).toMatchObject({ anchor: null, base: left.ids });
  });

  it('changes nothing if none of them is selected', () => {
    const selection = selected('a');
    expect(unselectTaken(selection, ['b'])).toBe(selection);
  });
});
