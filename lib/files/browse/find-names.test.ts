import { expect, it } from 'vitest';
import { entryAt } from '../test-entries';
import { findNames } from './find-names';

const ENTRIES = [
  '/a/judge.py',
  '/a/out/verdicts.jsonl',
  '/b/README.md',
  '/b/old-judge.py',
  '/c/j-u-d.txt',
].map((path) => entryAt(path));
const found = (query: string, most = 10) => findNames(ENTRIES, query, most).map(({ path }) => path);

it('puts what begins so first, then what holds it, then what holds its letters', () => {
  expect(found('jud')).toEqual(['/a/judge.py', '/b/old-judge.py', '/c/j-u-d.txt']);
  expect(found('readme')).toEqual(['/b/README.md']);
  expect(found('xyz')).toEqual([]);
});

it('looks at the path where there is a slash', () => {
  expect(found('out/ver')).toEqual(['/a/out/verdicts.jsonl']);
});

it('finds no more than asked for, everything for nothing, and nothing that cannot be opened', () => {
  expect(found('', 2)).toHaveLength(2);
  expect(found('')).toHaveLength(5);
  expect(findNames([entryAt('/a\uFFFD', { isAddressable: false })], 'a', 5)).toEqual([]);
});
