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
const found = (query: string, max = 10) => findNames(ENTRIES, query, max).map(({ path }) => path);

it('ranks prefixes first, then substrings, then letters in order', () => {
  expect(found('jud')).toEqual(['/a/judge.py', '/b/old-judge.py', '/c/j-u-d.txt']);
  expect(found('readme')).toEqual(['/b/README.md']);
  expect(found('xyz')).toEqual([]);
});

it('matches the path if the query has a slash', () => {
  expect(found('out/ver')).toEqual(['/a/out/verdicts.jsonl']);
});

it('respects the limit, matches all on an empty query, and skips unaddressable entries', () => {
  expect(found('', 2)).toHaveLength(2);
  expect(found('')).toHaveLength(5);
  expect(findNames([entryAt('/a\uFFFD', { isAddressable: false })], 'a', 5)).toEqual([]);
});
