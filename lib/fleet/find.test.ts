import { describe, expect, it } from 'vitest';
import { findRows } from './find';
import { mixedFleet, rowWith } from './test-fleet';

const rows = [
  rowWith({ id: 'ix1', metadata: { owner: 'ana', note: 'looks like ib' } }),
  rowWith({ id: 'ib2', metadata: { owner: 'Marek' } }),
  rowWith({ id: 'ib3', alias: 'python' }),
];
const found = (query: string, limit = 20) => findRows(rows, query, limit).map(({ sandbox }) => sandbox.id);

describe('findRows', () => {
  it('puts those whose id begins with it before those that mention it', () => {
    expect(found('ib')).toEqual(['ib2', 'ib3', 'ix1']);
    expect(found('IB3')).toEqual(['ib3']);
  });

  it('finds every word anywhere, in whatever case', () => {
    expect(found('marek')).toEqual(['ib2']);
    expect(found('base ana')).toEqual(['ix1']);
    expect(found('base nobody')).toEqual([]);
  });

  it('answers nothing to nothing, and no more than asked for', () => {
    expect(found('  ')).toEqual([]);
    expect(found('i', 2)).toEqual(['ix1', 'ib2']);
    expect(findRows(mixedFleet(10_000), 'development', 20)).toHaveLength(20);
  });
});
