import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../test-support/runs';
import { readEditable, writeEditable } from './editable-text';

const bytesOf = (text: string) => new TextEncoder().encode(text);

it('writes any text back as it was', () => {
  const part = fc.oneof(
    fc.constantFrom('\n', '\r\n', '\r', '\uFEFF', 'é', '😀'),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const bytes = bytesOf(parts.join('').replaceAll('\0', ''));
      const read = readEditable(bytes);
      expect(read).not.toBeNull();
      if (read) expect(writeEditable(read, read.text)).toEqual(bytes);
    }),
    { numRuns: runs(500) },
  );
});

it('keeps the line ends and the byte order mark of a Windows file', () => {
  const read = readEditable(bytesOf('\uFEFFone\r\ntwo\r\n'));
  expect(read).toEqual({ text: 'one\ntwo\n', lineEnd: '\r\n', hasMark: true });
  if (read)
    expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(writeEditable(read, 'one\nnew\n'))).toBe(
      '\uFEFFone\r\nnew\r\n',
    );
});

it('leaves mixed line ends alone', () => {
  expect(readEditable(bytesOf('one\r\ntwo\n'))).toMatchObject({ text: 'one\r\ntwo\n', lineEnd: '\n' });
  expect(readEditable(bytesOf('one\r\ntwo\rthree'))).toMatchObject({ lineEnd: '\n' });
});

it.each([
  ['zero bytes', Uint8Array.from([97, 0, 98])],
  ['Latin-1', Uint8Array.from([103, 114, 252, 223])],
  ['half a character', Uint8Array.from([0xf0, 0x9f, 0x98])],
])('does not read %s', (_, bytes) => {
  expect(readEditable(bytes)).toBeNull();
});
