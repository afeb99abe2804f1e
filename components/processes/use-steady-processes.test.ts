import { expect, it } from 'vitest';
import { mergeRows } from './use-steady-processes';

const process = (pid: number, mark = 'm') => ({ pid, mark, command: `c${pid}`, cwd: null, tag: null });
const shown = (rows: ReturnType<typeof mergeRows>) =>
  rows.map(({ pid, mark, isOver }) => `${pid}${mark}${isOver ? ' over' : ''}`);

it('sorts by pid at first', () => {
  expect(shown(mergeRows([], [process(7), process(3)]))).toEqual(['3m', '7m']);
});

it('keeps shown rows in place and appends new processes', () => {
  const before = mergeRows([], [process(3), process(7)]);
  const now = mergeRows(before, [process(1), process(7)]);
  expect(shown(now)).toEqual(['3m over', '7m', '1m']);
  expect(shown(mergeRows([], [process(1), process(7)]))).toEqual(['1m', '7m']);
});

it('tells processes with the same pid apart by their mark', () => {
  const before = mergeRows([], [process(3, 'old')]);
  expect(shown(mergeRows(before, [process(3, 'new')]))).toEqual(['3old over', '3new']);
});
