import { expect, it } from 'vitest';
import { mergeRows } from './use-steady-rows';

const keyOf = ({ pid, mark }: { pid: number; mark: string }) => `${pid}${mark}`;
const process = (pid: number, mark = 'm') => ({ pid, mark });
const merge = (
  shown: ReturnType<typeof mergeRows<ReturnType<typeof process>>>,
  now: ReturnType<typeof process>[],
) => mergeRows(shown, now, keyOf);
const shown = (rows: ReturnType<typeof merge>) =>
  rows.map((row) => `${keyOf(row)}${row.isOver ? ' over' : ''}`);

it('keeps the given order at first', () => {
  expect(shown(merge([], [process(7), process(3)]))).toEqual(['7m', '3m']);
});

it('keeps shown rows in place and appends new ones', () => {
  const before = merge([], [process(3), process(7)]);
  const now = merge(before, [process(1), process(7)]);
  expect(shown(now)).toEqual(['3m over', '7m', '1m']);
  expect(shown(merge([], [process(1), process(7)]))).toEqual(['1m', '7m']);
});

it('tells rows apart by their key', () => {
  const before = merge([], [process(3, 'old')]);
  expect(shown(merge(before, [process(3, 'new')]))).toEqual(['3old over', '3new']);
});
