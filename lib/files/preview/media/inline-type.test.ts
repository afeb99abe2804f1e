import { describe, expect, it } from 'vitest';
import { bestTimeMs } from '../../../test-support/runs';
import type { ContentUse } from '../../schema';
import { HEAD_BYTES, inlineType } from './inline-type';

const typeOf = (use: ContentUse, name: string, begins: string) =>
  inlineType(use, name, Buffer.from(begins, 'latin1'));

describe('a file is shown inline', () => {
  it.each<[ContentUse, string, string, string]>([
    ['image', 'a.png', '\x89PNG\r\n\x1a\n', 'image/png'],
    ['image', 'A.JPG', '\xff\xd8\xff\xe0', 'image/jpeg'],
    ['image', 'a.gif', 'GIF89a', 'image/gif'],
    ['image', 'a.webp', 'RIFF....WEBP', 'image/webp'],
    ['image', 'a.svg', '<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="…">', 'image/svg+xml'],
    ['image', 'a.svg', '\xef\xbb\xbf<svg>', 'image/svg+xml'],
    ['media', 'a.mp4', '\0\0\0\x20ftypisom', 'video/mp4'],
    ['media', 'a.webm', '\x1a\x45\xdf\xa3', 'video/webm'],
    ['media', 'a.mp3', 'ID3\x04', 'audio/mpeg'],
    ['media', 'a.wav', 'RIFF....WAVE', 'audio/wav'],
    ['pdf', 'a.pdf', '%PDF-1.7', 'application/pdf'],
  ])('as %s: %s', (use, name, begins, type) => {
    expect(typeOf(use, name, begins)).toBe(type);
  });

  it.each<[string, ContentUse, string, string]>([
    ['the name has another type', 'image', 'a.html', '\x89PNG\r\n\x1a\n'],
    ['the bytes have another type', 'image', 'a.png', '<html><script>'],
    ['it is HTML named SVG', 'image', 'a.svg', '<html><svg></svg>'],
    ['the PDF signature comes later', 'pdf', 'a.pdf', '<script>%PDF-1.7'],
    ['the use is another', 'pdf', 'a.png', '\x89PNG\r\n\x1a\n'],
    ['it is empty', 'image', 'a.png', ''],
    ['it has no extension', 'image', 'png', '\x89PNG\r\n\x1a\n'],
    ['the use is a preview', 'preview', 'a.png', '\x89PNG\r\n\x1a\n'],
  ])('never when %s', (_, use, name, begins) => {
    expect(typeOf(use, name, begins)).toBeNull();
  });

  it('in linear time for hostile input', async () => {
    const tookMs = await bestTimeMs(500, () => {
      const startedMs = performance.now();
      typeOf('image', 'a.svg', '<!-- '.repeat(HEAD_BYTES));
      typeOf('image', 'a.svg', '<!---->'.repeat(HEAD_BYTES));
      return performance.now() - startedMs;
    });
    expect(tookMs).toBeLessThan(500);
  });
});
