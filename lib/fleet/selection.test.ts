import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionOf, idOf, keyOf, type SandboxKey } from '../sandbox-key';
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
const KEYS = IDS.map((id) => keyOf('local', id));
const ROWS = new Map(IDS.map((id) => [id as string, rowWith({ id })]));
const rows = (ids: string | readonly string[]) => [...ids].flatMap((id) => ROWS.get(id) ?? []);
const all = rows(IDS);
const selected = (...keys: SandboxKey[]) => keys.reduce(toggle, NOTHING_SELECTED);
const idsOf = ({ keys }: Selection) => [...keys].map(idOf).sort().join('');
const effective = (selection: Selection, matching = all, existing = all) =>
  reconcile(selection, matching, existing).rows.map(({ sandbox }) => sandbox.key);

describe('toggle', () => {
  it('selects and unselects one row', () => {
    expect(idsOf(selected('local/a', 'local/c'))).toBe('ac');
    expect(idsOf(selected('local/a', 'local/c', 'local/a'))).toBe('c');
    expect(NOTHING_SELECTED.keys.size).toBe(0);
  });
});

describe('extend', () => {
  it('selects from the last toggled row, in both directions', () => {
    expect(idsOf(extend(selected('local/c'), 'local/e', all))).toBe('cde');
    expect(idsOf(extend(selected('local/h', 'local/c'), 'local/a', all))).toBe('abch');
  });

  it('follows the order on screen', () => {
    expect(idsOf(extend(selected('local/a'), 'local/c', rows('dacb')))).toBe('ac');
    expect(idsOf(extend(selected('local/a'), 'local/d', rows('dacb')))).toBe('ad');
  });

  it('shrinks when the range gets shorter', () => {
    const far = extend(selected('local/b'), 'local/f', all);
    expect(idsOf(extend(far, 'local/c', all))).toBe('bc');
    expect(idsOf(extend(far, 'local/a', all))).toBe('ab');
  });

  it('unselects the range if the anchor was unselected', () => {
    const some = toggle(selectRows(NOTHING_SELECTED, all), 'local/c');
    expect(idsOf(extend(some, 'local/e', all))).toBe('abfgh');
    expect(idsOf(extend(some, 'local/d', all))).toBe('abefgh');
  });

  it('starts at this row if no anchor is on screen', () => {
    expect(idsOf(extend(NOTHING_SELECTED, 'local/c', all))).toBe('c');
    const hidden = extend(selected('local/a'), 'local/d', rows('cde'));
    expect(idsOf(hidden)).toBe('ad');
    expect(idsOf(extend(hidden, 'local/e', rows('cde')))).toBe('ade');
    expect(idsOf(extend(selectRows(NOTHING_SELECTED, rows('ab')), 'local/d', all))).toBe('abd');
  });

  it('can start at another row', () => {
    const moved = extend(selected('local/a'), 'local/e', all, 'local/d');
    expect(idsOf(moved)).toBe('ade');
    expect(idsOf(extend(moved, 'local/c', all))).toBe('acd');
  });

  it('ignores a row that is not on screen', () => {
    const some = selected('local/a');
    expect(extend(some, 'local/h', rows('abc'))).toBe(some);
  });
});

describe('selectRows and unselectRows', () => {
  it('add rows to the selection and remove them', () => {
    const some = selectRows(selected('local/h'), rows('abc'));
    expect(idsOf(some)).toBe('abch');
    expect(idsOf(unselectRows(some, rows('abc')))).toBe('h');
  });
});

describe('keepExisting', () => {
  it('removes rows that are gone, permanently', () => {
    const some = keepExisting(selected('local/a', 'local/b'), rows('bcd'));
    expect(idsOf(some)).toBe('b');
    expect(idsOf(keepExisting(some, all))).toBe('b');
  });

  it('keeps rows of fleets that are not wholly known, and the anchor', () => {
    const some = selected('local/a', 'prod/a', 'local/b', 'prod/b');
    const left = keepExisting(some, rows('a'), (key) => connectionOf(key) === 'local');
    expect([...left.keys]).toEqual(['local/a', 'prod/a', 'prod/b']);
    expect(left.anchor).toBe('prod/b');
  });

  it('returns the same object if no row is gone', () => {
    const some = selected('local/a', 'local/b');
    expect(keepExisting(some, rows('hgba'))).toBe(some);
    expect(keepExisting(NOTHING_SELECTED, [])).toBe(NOTHING_SELECTED);
  });

  it('drops the anchor and base of rows that are gone', () => {
    const range = extend(selected('local/b'), 'local/d', all);
    const left = keepExisting(range, rows('acdefgh'));
    expect(idsOf(extend(left, 'local/f', rows('acdefgh')))).toBe('cdf');
    expect(idsOf(extend(keepExisting(range, rows('abdefgh')), 'local/a', all))).toBe('ab');
    const unselecting = extend(toggle(selected('local/a', 'local/b', 'local/c'), 'local/c'), 'local/a', all);
    expect(idsOf(extend(keepExisting(unselecting, rows('bcd')), 'local/c', all))).toBe('b');
  });
});

describe('reconcile', () => {
  it('excludes and counts rows hidden by the filter, and restores them', () => {
    const some = selected('local/a', 'local/b', 'local/c');
    expect(reconcile(some, rows('cdb'), all)).toEqual({ rows: rows('cb'), hidden: 1 });
    expect(reconcile(some, [], all)).toEqual({ rows: [], hidden: 3 });
    expect(reconcile(some, all, all)).toEqual({ rows: rows('abc'), hidden: 0 });
  });

  it('ignores rows that are gone, hidden or not', () => {
    expect(reconcile(selected('local/a', 'local/b', 'local/c'), rows('ab'), rows('bcd'))).toEqual({
      rows: rows('b'),
      hidden: 1,
    });
  });
});

describe('any sequence of changes', () => {
  const key = fc.constantFrom(...KEYS);
  const subset = fc.subarray([...IDS]).map((ids) => rows(ids));
  const order = fc.shuffledSubarray([...IDS], { minLength: IDS.length }).map((ids) => rows(ids));
  const step = fc.oneof(
    key.map((one) => (now: Selection) => toggle(now, one)),
    fc.tuple(key, order).map(
      ([one, on]) =>
        (now: Selection) =>
          extend(now, one, on),
    ),
    fc.tuple(key, order, key).map(
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
          .filter((row) => existing.includes(row) && some.keys.has(row.sandbox.key))
          .map(({ sandbox }) => sandbox.key);
        expect(effective(some, matching, existing)).toEqual(expected);
      }),
    );
  });

  it('includes every selected, existing row or counts it as hidden', () => {
    fc.assert(
      fc.property(selection, subset, (some, matching) => {
        const { rows: acted, hidden } = reconcile(some, matching, all);
        expect(acted.length + hidden).toBe(some.keys.size);
      }),
    );
  });

  it('keeps the selection when the filter or the order changes', () => {
    fc.assert(
      fc.property(selection, subset, order, (some, matching, sorted) => {
        reconcile(some, matching, all);
        expect(effective(some, sorted).toSorted()).toEqual([...some.keys].toSorted());
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
      fc.property(selection, order, key, key, key, (some, on, anchor, first, last) => {
        const begun = toggle(some, anchor);
        expect(idsOf(extend(extend(begun, first, on), last, on))).toBe(idsOf(extend(begun, last, on)));
      }),
    );
  });

  it('gives both ends of a range the state of the anchor', () => {
    fc.assert(
      fc.property(selection, order, key, key, (some, on, anchor, end) => {
        const begun = toggle(some, anchor);
        const { keys } = extend(begun, end, on);
        expect([keys.has(anchor), keys.has(end)]).toEqual([begun.keys.has(anchor), begun.keys.has(anchor)]);
      }),
    );
  });
});

describe('unselectTaken', () => {
  it('removes the sandboxes of an operation and forgets the anchor', () => {
    const left = unselectTaken(selected('local/a', 'local/b', 'local/c'), [
      'local/a',
      'local/b',
      'local/elsewhere',
    ]);
    expect(idsOf(left)).toBe('c');
    expect(left).toMatchObject({ anchor: null, base: left.keys });
  });

  it('changes nothing if none of them is selected', () => {
    const selection = selected('local/a');
    expect(unselectTaken(selection, ['local/b'])).toBe(selection);
  });
});
