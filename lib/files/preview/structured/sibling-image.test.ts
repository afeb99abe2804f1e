import { expect, test } from 'vitest';
import { siblingImage } from './sibling-image';

const DOCUMENT = '/home/user/docs/README.md';

test.each([
  ['plot.png', '/home/user/docs/plot.png'],
  ['./img/a b.JPG', '/home/user/docs/img/a b.JPG'],
  ['img/a%20b.webp?raw=1#top', '/home/user/docs/img/a b.webp'],
  ['../logo.svg', '/home/user/logo.svg'],
  ['100%.png', '/home/user/docs/100%.png'],
  ['../../../../../etc/x.png', '/etc/x.png'],
])('finds %s beside the document', (source, path) => {
  expect(siblingImage(source, DOCUMENT)).toBe(path);
});

test.each([
  '',
  '#top',
  'https://evil.example/x.png',
  'HTTP://evil.example/x.png',
  '//evil.example/x.png',
  '\\\\evil.example\\x.png',
  'data:image/png;base64,iVBORw0KGgo',
  'file:///etc/x.png',
  '/etc/x.png',
  'notes.txt',
  'page.html',
  'x%00.png',
])('refuses %j', (source) => {
  expect(siblingImage(source, DOCUMENT)).toBeNull();
});
