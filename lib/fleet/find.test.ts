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
  it('returns rows whose id starts with the query before other matches', () => {
    expect(found('ib')).toEqual(['ib2', 'ib3', 'ix1']);
    expect(found('IB3')).toEqual(['ib3']);
  });

  it('matches every word anywhere, in any case', () => {
    expect(found('marek')).toEqual(['ib2']);
    expect(found('base ana')).toEqual(['ix1']);
    expect(found('base nobody')).toEqual([]);
  });

  it('returns nothing for an empty query, and respects the limit', () => {
    expect(found('  ')).toEqual([]);
    expect(found('i', 2)).toEqual(['ix1', 'ib2']);
    expect(findRows(mixedFleet(10_000), 'development', 20)).toHaveLength(20);
  });
});
