import { expect, it } from 'vitest';
import type { SandboxKey } from '../../sandbox-key';
import { claimShares, MAX_CLAIMED, MIN_AHEAD } from './claim-shares';

const worksOf = (operationId: string, connection: string, count: number, hasBegun: boolean) =>
  Array.from({ length: count }, (_, at) => ({
    operationId,
    item: { sandboxKey: `${connection}/${operationId}${at}` as SandboxKey },
    hasBegun,
  }));
const open = (counts: Record<string, number>) => new Map(Object.entries(counts));

it('claims for each connection what its own limit allows', () => {
  const limits: Record<string, number> = { fast: 128, slow: 1 };
  const shares = claimShares({
    due: [{ id: 'one', open: open({ fast: 5_000, slow: 5_000, over: 0 }) }],
    works: [],
    limitOf: (connection) => limits[connection] ?? 8,
  });
  expect(shares).toEqual([
    { operationId: 'one', connection: 'fast', max: 512 },
    { operationId: 'one', connection: 'slow', max: MIN_AHEAD },
  ]);
});

it('claims for a connection although all that is claimed for another waits', () => {
  const shares = claimShares({
    due: [{ id: 'one', open: open({ slow: 5_000, fast: 10 }) }],
    works: worksOf('one', 'slow', MAX_CLAIMED, false),
    limitOf: () => 16,
  });
  expect(shares).toEqual([{ operationId: 'one', connection: 'fast', max: 64 }]);
});

it('divides what is claimed for a connection among its operations', () => {
  const shares = claimShares({
    due: [
      { id: 'large', open: open({ prod: 5_000 }) },
      { id: 'small', open: open({ prod: 3, staging: 3 }) },
    ],
    works: [...worksOf('large', 'prod', 20, true), ...worksOf('large', 'prod', 30, false)],
    limitOf: () => 16,
  });
  // The large one has nearly its share, and waits until a batch is free.
  expect(shares).toEqual([
    { operationId: 'small', connection: 'prod', max: 32 },
    { operationId: 'small', connection: 'staging', max: 64 },
  ]);
});

it('claims nothing more once all open items are claimed, or verified ones fill the limit', () => {
  const state = { due: [{ id: 'one', open: open({ prod: 40 }) }], limitOf: () => 16 };
  expect(claimShares({ ...state, works: worksOf('one', 'prod', 40, true) })).toEqual([]);
  const due = [{ id: 'one', open: open({ prod: 9_000 }) }];
  expect(claimShares({ ...state, due, works: worksOf('one', 'prod', MAX_CLAIMED, true) })).toEqual([]);
});
