import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { runs } from '../../../test-support/runs';
import { inSlices } from '../slices';
import {
  carryOpen,
  decodeString,
  firstOpen,
  JsonSyntaxError,
  type JsonTree,
  jsonPath,
  jsonRows,
  parseJson,
} from './json-tree';

function parse(text: string, isSequence = false): JsonTree {
  const work = parseJson(text, { isSequence });
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

function errorOf(text: string): JsonSyntaxError {
  try {
    parse(text);
  } catch (thrown) {
    if (thrown instanceof JsonSyntaxError) return thrown;
  }
  throw new Error('The text was accepted.');
}

function treeValue(tree: JsonTree, node = 0): unknown {
  const kind = tree.kind(node);
  if (kind !== 'object' && kind !== 'array') return JSON.parse(tree.source(node));
  const entries: [string, unknown][] = [];
  for (let child = tree.firstChild(node); child !== null; child = tree.next(child))
    entries.push([String(tree.key(child)), treeValue(tree, child)]);
  expect(tree.count(node)).toBe(entries.length);
  return kind === 'array' ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

test('agrees with JSON.parse', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(treeValue(parse(text))).toEqual(JSON.parse(text));
    }),
  );
});

test('accepts the same texts as JSON.parse', () => {
  const pieces = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u12',
      '0',
      '-',
      '01',
      '1.5e3',
      '.5',
      'true',
      'nul',
      ' ',
      '\n',
      '"',
      '\t',
    ],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (drawn) => {
      const text = drawn.join('');
      const accepts = (read: (text: string) => unknown) => {
        try {
          read(text);
          return true;
        } catch {
          return false;
        }
      };
      expect([text, accepts(parse)]).toEqual([text, accepts(JSON.parse)]);
    }),
    { numRuns: runs(5_000) },
  );
});

test('keeps every digit and every key', () => {
  const tree = parse('{"id": 12345678901234567890, "id": 1e400, "π\\n": -0.10}');
  const rows = jsonRows(tree, new Set([0]), 100).slice(1);
  expect(rows.map(({ node }) => [tree.key(node), tree.source(node)])).toEqual([
    ['id', '12345678901234567890'],
    ['id', '1e400'],
    ['π\n', '-0.10'],
  ]);
});

test('reports the position of an error', () => {
  expect(errorOf('{\n  "a": 1,\n  "b" 2\n}')).toMatchObject({
    line: 3,
    column: 7,
    message: 'expected “:”',
  });
  expect(errorOf('[1, 2')).toMatchObject({ line: 1, column: 6 });
  expect(errorOf('')).toMatchObject({ line: 1, column: 1, message: 'unexpected end' });
  expect(errorOf('{} x')).toMatchObject({ column: 4, message: 'unexpected text after the end' });
  expect(errorOf('["a\nb"]')).toMatchObject({ line: 1, column: 4 });
  expect(errorOf('{"a":1,}')).toMatchObject({ column: 8, message: 'expected a key in quotes' });
});

describe('large input', () => {
  test('with 100,000 levels', async () => {
    const deep = 100_000;
    const tree = await inSlices(parseJson('['.repeat(deep) + ']'.repeat(deep)));
    expect(tree.size).toBe(deep);
    const all = new Set(Array.from({ length: deep }, (_, node) => node));
    expect(jsonRows(tree, all, 200_000).at(-1)).toEqual({ node: deep - 1, level: deep });
    expect(firstOpen(tree).size).toBeLessThanOrEqual(200);
    expect(jsonPath(tree, deep - 1).length).toBeLessThan(1_000);
    expect(errorOf('['.repeat(deep)).column).toBe(deep + 1);
  });

  test('with a string of 20 MB or a million elements', async () => {
    const long = await inSlices(parseJson(JSON.stringify('a\\'.repeat(10_000_000))));
    expect(long.source(0, 4)).toBe('"a\\\\');
    const wide = await inSlices(parseJson(`[${'0,'.repeat(999_999)}0]`));
    expect(wide.count(0)).toBe(1_000_000);
    expect(jsonRows(wide, new Set([0]), 500).length).toBe(500);
  });

  test('can be aborted', async () => {
    const leaving = new AbortController();
    const parsing = inSlices(parseJson(`[${'0,'.repeat(2_000_000)}0]`), leaving.signal);
    leaving.abort(new Error('left'));
    await expect(parsing).rejects.toThrow('left');
  });
});

test('parses JSON Lines as a sequence', () => {
  const tree = parse('{"a":1}\n{"a":2}\n\n3', true);
  expect(treeValue(tree)).toEqual([{ a: 1 }, { a: 2 }, 3]);
  expect(treeValue(parse('', true))).toEqual([]);
  expect(() => parse('{"a":1}\n{', true)).toThrow(JsonSyntaxError);
});

test('formats paths', () => {
  const tree = parse('{"a":[{"odd key":1},{"b":2}]}');
  const rows = jsonRows(tree, new Set(Array.from({ length: tree.size }, (_, node) => node)), 100);
  expect(rows.map(({ node }) => jsonPath(tree, node))).toEqual([
    '$',
    '$.a',
    '$.a[0]',
    '$.a[0]["odd key"]',
    '$.a[1]',
    '$.a[1].b',
  ]);
});

test('carries unfolded nodes over to another text', () => {
  const paths = (tree: JsonTree, nodes: ReadonlySet<number>) =>
    [...nodes].map((node) => jsonPath(tree, node));
  const before = parse('{"a":{"b":[[1],[2]]},"c":[3],"d":{"e":4},"__proto__":{"f":5}}');
  const open = new Set(
    Array.from({ length: before.size }, (_, node) => node).filter((n) => before.isBranch(n)),
  );
  const after = parse('{"new":0,"d":5,"__proto__":{},"a":{"b":[[1,2]]}}');
  expect(paths(after, carryOpen(before, open, after)).sort()).toEqual([
    '$',
    '$.__proto__',
    '$.a',
    '$.a.b',
    '$.a.b[0]',
  ]);
  expect(carryOpen(before, new Set([1]), after)).toEqual(new Set());
});

test('does not scan members without unfolded nodes', () => {
  const [before, after] = [parse('[1,2,[3],4]'), parse('[1,2,[3],4,5,6]')];
  const key = vi.spyOn(after, 'key');
  expect(carryOpen(before, new Set([0]), after)).toEqual(new Set([0]));
  expect(key).not.toHaveBeenCalled();
  expect(carryOpen(before, new Set([0, 3]), after)).toEqual(new Set([0, 3]));
  expect(key).toHaveBeenCalledTimes(3);
});

test('initially unfolds the levels that fit', () => {
  const tree = parse(JSON.stringify({ few: [1, 2, 3], many: Array.from({ length: 500 }, (_, n) => n) }));
  expect(firstOpen(tree)).toEqual(new Set([0]));
  expect(firstOpen(parse('{"a":{"b":[1]}}')).size).toBe(3);
  expect(firstOpen(parse('1')).size).toBe(0);
});

test('returns the source of an incomplete string', () => {
  expect([decodeString('"a\\n"'), decodeString('"a\\'), decodeString('"abc')]).toEqual(['a\n', 'a\\', 'abc']);
});
