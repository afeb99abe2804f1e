import { describe, expect, it } from 'vitest';
import { hold, release } from './hold';
import { rowWith } from './test-fleet';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => rowWith({ id }));
const rows = (...list: (typeof a)[]) => list.filter((row) => row !== undefined);

describe('hold', () => {
  it('keeps every row in its place while others come and go', () => {
    const held = hold(rows(a, b, c), rows(d, c, a));
    expect(held.rows).toEqual(rows(a, b, c));
    expect(held.gone).toEqual(new Set(['b']));
    expect(held.arrived).toBe(1);
  });

  it('shows what is new of a row that stays', () => {
    const changed = rowWith({ id: 'a', state: 'paused' });
    expect(hold(rows(a, b), [changed, ...rows(b)]).rows).toEqual([changed, ...rows(b)]);
  });

  it('brings back one that was gone', () => {
    const first = hold(rows(a, b), rows(b));
    const second = hold(first.rows, rows(a, b));
    expect(second).toEqual({ rows: rows(a, b), gone: new Set(), arrived: 0 });
  });

  it('counts right from and to nothing', () => {
    expect(hold([], rows(a, b))).toEqual({ rows: [], gone: new Set(), arrived: 2 });
    expect(hold(rows(a, b), [])).toMatchObject({ gone: new Set(['a', 'b']), arrived: 0 });
  });

  it('is undone by releasing', () => {
    expect(release(rows(c, a))).toEqual({ rows: rows(c, a), gone: new Set(), arrived: 0 });
  });
});
