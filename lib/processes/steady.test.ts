import { expect, it } from 'vitest';
import { steady } from './steady';

const process = (pid: number, mark = 'm') => ({ pid, mark, command: `c${pid}`, cwd: null, tag: null });
const shown = (rows: ReturnType<typeof steady>) =>
  rows.map(({ pid, mark, isOver }) => `${pid}${mark}${isOver ? ' over' : ''}`);

it('begins in the order of the numbers', () => {
  expect(shown(steady([], [process(7), process(3)]))).toEqual(['3m', '7m']);
});

it('keeps what was shown where it is, and adds what is new behind it', () => {
  const before = steady([], [process(3), process(7)]);
  const now = steady(before, [process(1), process(7)]);
  expect(shown(now)).toEqual(['3m over', '7m', '1m']);
  expect(shown(steady([], [process(1), process(7)]))).toEqual(['1m', '7m']);
});

it('takes a number that was given to another command for another process', () => {
  const before = steady([], [process(3, 'old')]);
  expect(shown(steady(before, [process(3, 'new')]))).toEqual(['3old over', '3new']);
});
