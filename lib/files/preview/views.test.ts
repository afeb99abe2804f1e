import { expect, test } from 'vitest';
import type { PreviewKind } from './kind';
import { maxBytesOf, sizeAllows, viewFor, viewsOf } from './views';

const KINDS: PreviewKind[] = [
  ...(['text', 'markdown', 'json', 'table', 'image', 'svg'] as const),
  ...(['pdf', 'audio', 'video', 'notebook', 'hex'] as const),
];

test('every kind has a hex view, and media have no text view', () => {
  for (const kind of KINDS) expect(viewsOf(kind)).toContain('hex');
  for (const kind of ['image', 'pdf', 'audio', 'video'] as const) expect(viewsOf(kind)).not.toContain('text');
});

test('the requested view is used if the kind has it', () => {
  expect(viewFor('markdown', null, null)).toBe('rendered');
  expect(viewFor('markdown', null, 12)).toBe('text');
  expect(viewFor('markdown', 'rendered', 12)).toBe('rendered');
  expect(viewFor('image', 'text', null)).toBe('image');
  expect(viewFor('image', null, 3)).toBe('image');
  expect(viewFor('hex', null, 3)).toBe('text');
  expect(viewFor('hex', 'details', null)).toBe('details');
});

test('a view that reads the whole file needs confirmation for a large one', () => {
  const MB = 1024 * 1024;
  expect(sizeAllows('text', 2 ** 40)).toBe('yes');
  expect(sizeAllows('hex', 2 ** 40)).toBe('yes');
  expect([1, 17, 200].map((size) => sizeAllows('tree', size * MB))).toEqual(['yes', 'confirm', 'no']);
  expect(maxBytesOf('rendered')).toBe(2 * MB);
});
