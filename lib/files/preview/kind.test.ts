import fc from 'fast-check';
import { expect, test } from 'vitest';
import { previewKindOf } from './kind';

const kindOf = (name: string, text: string) => previewKindOf(name, Buffer.from(text, 'latin1'), true);

test.each([
  ['a.py', 'print(1)', 'text'],
  ['README.MD', '# a', 'markdown'],
  ['a.json', '{}', 'json'],
  ['a.jsonl', '{}', 'json'],
  ['a.csv', 'a,b', 'table'],
  ['a.ipynb', '{}', 'notebook'],
  ['a.svg', '<svg></svg>', 'svg'],
  ['a.svg', '<html>', 'text'],
  ['a.html', '<script>alert(1)</script>', 'text'],
  ['a.png', '\x89PNG\r\n\x1a\n\0', 'image'],
  ['a.webp', 'RIFF\0\0\0\0WEBP', 'image'],
  ['a.pdf', '%PDF-1.7', 'pdf'],
  ['a.mp4', '\0\0\0\x18ftypisom', 'video'],
  ['a.wav', 'RIFF\0\0\0\0WAVE', 'audio'],
  ['a.png', '<html>', 'text'],
  ['a.html', '\x89PNG\r\n\x1a\n\0', 'hex'],
  ['a.constructor', 'a', 'text'],
  ['empty', '', 'text'],
  ['a.json', '\0', 'hex'],
])('%s with content %j', (name, text, kind) => {
  expect(kindOf(name, text)).toBe(kind);
});

test('text is never shown in a media element, except SVG', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('png', 'jpg', 'mp4', 'webm', 'mp3', 'html', 'xyz'),
      (text, end) => {
        const kind = previewKindOf(`a.${end}`, new TextEncoder().encode(`<${text}`), true);
        expect(['text', 'hex']).toContain(kind);
      },
    ),
  );
});
