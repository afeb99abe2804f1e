import fc from 'fast-check';
import { expect, test } from 'vitest';
import { detectEncoding, newDecoder } from './encoding';

const utf8 = (text: string) => new TextEncoder().encode(text);
const detect = (...bytes: number[]) => detectEncoding(Uint8Array.from(bytes), { isWhole: true });

test('detects byte order marks, invalid UTF-8 and binary data', () => {
  expect(detect()).toBe('utf-8');
  expect(detect(0xef, 0xbb, 0xbf, 97)).toBe('utf-8-bom');
  expect(detect(0xff, 0xfe, 97, 0)).toBe('utf-16le');
  expect(detect(0xfe, 0xff, 0, 97)).toBe('utf-16be');
  expect(detect(0x63, 0x61, 0x66, 0xe9)).toBe('windows-1252');
  expect(detect(97, 0, 98)).toBeNull();
  expect(detect(1, 2, 3, 4)).toBeNull();
});

test('round-trips printable text at any cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (drawn, cut) => {
      const text = drawn.replaceAll(/\p{C}/gu, '');
      const bytes = utf8(text);
      const at = cut % (bytes.length + 1);
      expect(detectEncoding(bytes, { isWhole: true })).toBe('utf-8');
      expect(detectEncoding(bytes.subarray(0, at), { isWhole: false })).toBe('utf-8');
      const decoder = newDecoder('utf-8');
      const read =
        decoder.decode(bytes.subarray(0, at), { stream: true }) + decoder.decode(bytes.subarray(at));
      expect(read).toBe(text);
    }),
  );
});

test('never fails', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const encoding = detectEncoding(bytes, { isWhole: true });
      if (encoding !== null) newDecoder(encoding).decode(bytes);
    }),
  );
});
