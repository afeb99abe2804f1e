import { describe, expect, it } from 'vitest';
import { hold, release } from './hold';
import { rowWith } from './test-fleet';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => rowWith({ id }));
const rows = (...list: (typeof a)[]) => list.filter((row) => row !== undefined);

describe('hold', () => {
  it('keeps every row in its place while others come and go', () => {
    const held = hold(rows(a, b, c), rows(d, c, a), rows(a, c, d));
    expect(held.rows).toEqual(rows(a, b, c));
    expect(held.gone).toEqual(new Set(['b']));
    expect(held.arrived).toBe(1);
  });

  it('shows what is new of a row that stays', () => {
    const changed = rowWith({ id: 'a', state: 'paused' });
    const next = [changed, ...rows(b)];
    expect(hold(rows(a, b), next, next).rows).toEqual(next);
  });

  it('tells what only the filter would hide from what is gone, and shows what is new of it', () => {
    const changed = rowWith({ id: 'b', state: 'paused' });
    const held = hold(rows(a, b, c), rows(a, d), [...rows(a, d), changed]);
    expect(held).toEqual({
      rows: [...rows(a), changed, ...rows(c)],
      gone: new Set(['c']),
      hidden: new Set(['b']),
      arrived: 1,
    });
  });

  it('brings back one that was gone', () => {
    const first = hold(rows(a, b), rows(b), rows(b));
    const second = hold(first.rows, rows(a, b), rows(a, b));
    expect(second).toEqual(release(rows(a, b)));
  });

  it('counts right from and to nothing', () => {
    expect(hold([], rows(a, b), rows(a, b))).toEqual({ ...release([]), arrived: 2 });
    expect(hold(rows(a, b), [], [])).toMatchObject({ gone: new Set(['a', 'b']), arrived: 0 });
    expect(hold(rows(a, b), [], rows(a, b))).toMatchObject({ hidden: new Set(['a', 'b']), arrived: 0 });
  });

  it('is undone by releasing', () => {
    expect(release(rows(c, a))).toEqual({
      rows: rows(c, a),
      gone: new Set(),
      hidden: new Set(),
      arrived: 0,
    });
  });
});
