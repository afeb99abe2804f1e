import { expect, it } from 'vitest';
import { MAX_ARCHIVE_PATH_CHARS, parseArchivePath } from './archive-path';

it.each([
  ['~', '~'],
  ['~/', '~'],
  ['  ~/out//logs/ ', '~/out/logs'],
  ['/', '/'],
  ['//', '/'],
  ['/work/out/', '/work/out'],
  ['/work/a b/ü', '/work/a b/ü'],
  ['/work/.hidden/..x', '/work/.hidden/..x'],
])('parses %j as %j', (text, path) => {
  expect(parseArchivePath(text)).toBe(path);
  expect(parseArchivePath(path)).toBe(path);
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
  `/${'x'.repeat(MAX_ARCHIVE_PATH_CHARS)}`,
])('rejects %j', (text) => {
  expect(parseArchivePath(text)).toBeNull();
});
