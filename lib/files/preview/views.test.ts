import { expect, test } from 'vitest';
import type { PreviewKind } from './kind';
import { maxBytesOf, sizeAllows, viewFor, viewsOf } from './views';

const KINDS: PreviewKind[] = [
  ...(['text', 'markdown', 'json', 'table', 'image', 'svg'] as const),
  ...(['pdf', 'audio', 'video', 'notebook', 'hex'] as const),
];

test('bytes can be seen of everything, text only of what is shown by no element of its own', () => {
  for (const kind of KINDS) expect(viewsOf(kind)).toContain('hex');
  for (const kind of ['image', 'pdf', 'audio', 'video'] as const) expect(viewsOf(kind)).not.toContain('text');
});

test('what is asked for is shown where it makes sense', () => {
  expect(viewFor('markdown', null, null)).toBe('rendered');
  expect(viewFor('markdown', null, 12)).toBe('text');
  expect(viewFor('markdown', 'rendered', 12)).toBe('rendered');
  expect(viewFor('image', 'text', null)).toBe('image');
  expect(viewFor('image', null, 3)).toBe('image');
  expect(viewFor('hex', null, 3)).toBe('text');
  expect(viewFor('hex', 'details', null)).toBe('details');
});

test('what takes in a whole file asks before it takes in a large one', () => {
  const MB = 1024 * 1024;
  expect(sizeAllows('text', 2 ** 40)).toBe('at once');
  expect(sizeAllows('hex', 2 ** 40)).toBe('at once');
  expect([1, 17, 200].map((size) => sizeAllows('tree', size * MB))).toEqual([
    'at once',
    'when asked',
    'never',
  ]);
  expect(maxBytesOf('rendered')).toBe(2 * MB);
});
