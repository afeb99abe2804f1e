import { describe, expect, it } from 'vitest';
import { holdRows, releaseRows } from './held-rows';
import { rowWith } from './test-fleet';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => rowWith({ id }));
const rows = (...list: (typeof a)[]) => list.filter((row) => row !== undefined);

describe('holdRows', () => {
  it('keeps every row in its place while others come and go', () => {
    const held = holdRows(rows(a, b, c), rows(d, c, a), rows(a, c, d));
    expect(held.rows).toEqual(rows(a, b, c));
    expect(held.gone).toEqual(new Set(['local/b']));
    expect(held.arrived).toBe(1);
  });

  it('updates rows in place', () => {
    const changed = rowWith({ id: 'a', state: 'paused' });
    const next = [changed, ...rows(b)];
    expect(holdRows(rows(a, b), next, next).rows).toEqual(next);
  });

  it('distinguishes rows hidden by the filter from rows that are gone, and updates them', () => {
    const changed = rowWith({ id: 'b', state: 'paused' });
    const held = holdRows(rows(a, b, c), rows(a, d), [...rows(a, d), changed]);
    expect(held).toEqual({
      rows: [...rows(a), changed, ...rows(c)],
      gone: new Set(['local/c']),
      hidden: new Set(['local/b']),
      arrived: 1,
    });
  });

  it('restores a row that returns', () => {
    const first = holdRows(rows(a, b), rows(b), rows(b));
    const second = holdRows(first.rows, rows(a, b), rows(a, b));
    expect(second).toEqual(releaseRows(rows(a, b)));
  });

  it('counts correctly from and to an empty list', () => {
    expect(holdRows([], rows(a, b), rows(a, b))).toEqual({ ...releaseRows([]), arrived: 2 });
    expect(holdRows(rows(a, b), [], [])).toMatchObject({ gone: new Set(['local/a', 'local/b']), arrived: 0 });
    expect(holdRows(rows(a, b), [], rows(a, b))).toMatchObject({
      hidden: new Set(['local/a', 'local/b']),
      arrived: 0,
    });
  });

  it('shows the current rows after a release', () => {
    expect(releaseRows(rows(c, a))).toEqual({
      rows: rows(c, a),
      gone: new Set(),
      hidden: new Set(),
      arrived: 0,
    });
  });
});
