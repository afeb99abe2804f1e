import { expect, it } from 'vitest';
import { MAX_EXPORT_PATH_CHARS, parseExportPath } from './archive-path';

it.each([
  ['~', '~'],
  ['~/', '~'],
  ['  ~/out//logs/ ', '~/out/logs'],
  ['/', '/'],
  ['//', '/'],
  ['/work/out/', '/work/out'],
  ['/work/a b/ü', '/work/a b/ü'],
  ['/work/.hidden/..x', '/work/.hidden/..x'],
])('%j is %j', (text, path) => {
  expect(parseExportPath(text)).toBe(path);
  expect(parseExportPath(path)).toBe(path);
});

it.each([
  '',
  'out',
  '~root',
  './out',
  '/work/../etc',
  '~/..',
  '/work/.',
  '/a\nb',
  '/a\0b',
  '/a\u202eb',
  '/\ud800',
  `/${'x'.repeat(MAX_EXPORT_PATH_CHARS)}`,
])('%j is none', (text) => {
  expect(parseExportPath(text)).toBeNull();
});
