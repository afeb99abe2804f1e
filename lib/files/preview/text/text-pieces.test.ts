import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../test-support/runs';
import type { Encoding } from './encoding';
import { LineIndex } from './line-index';
import {
  decodePiece,
  differenceOf,
  HOLE,
  LOOK_AHEAD_BYTES,
  pieceSpan,
  piecesIn,
  wasCut,
} from './text-pieces';

function encode(text: string, encoding: Encoding): Uint8Array {
  if (encoding === 'utf-8') return Buffer.from(text, 'utf8');
  if (encoding === 'utf-8-bom') return Buffer.from(`\uFEFF${text}`, 'utf8');
  if (encoding === 'windows-1252') return Buffer.from(text, 'latin1');
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return encoding === 'utf-16le' ? bytes : bytes.swap16();
}

function readInPieces(bytes: Uint8Array, encoding: Encoding, pieceBytes: number) {
  return Array.from({ length: piecesIn(bytes.length, pieceBytes) }, (_, index) => {
    const { start, end } = pieceSpan(index, pieceBytes);
    return decodePiece(bytes.subarray(start, end), { index, encoding, pieceBytes });
  });
}

const characters = fc.oneof(
  fc.constantFrom('\n', '\r\n', '\r', 'a', 'é', '€', '😀', '\uFEFF', '\u202E'),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);
const texts = fc.array(characters, { maxLength: 200 }).map((parts) => parts.join(''));
const wellFormed = (text: string) => !/[\uD800-\uDFFF]/u.test(text);

describe('a text read in pieces', () => {
  test.each(['utf-8', 'utf-8-bom', 'utf-16le', 'utf-16be'] as const)(
    'joins to the whole text: %s',
    (encoding) => {
      fc.assert(
        fc.property(texts, fc.integer({ min: 5, max: 40 }), (text, half) => {
          fc.pre(wellFormed(text) && !(encoding === 'utf-8' && text.startsWith('\uFEFF')));
          const pieces = readInPieces(encode(text, encoding), encoding, half * 2);
          expect(pieces.map((piece) => piece.text).join('')).toBe(text.replaceAll('\r\n', '\n'));
        }),
        { numRuns: runs(400) },
      );
    },
  );

  test('joins to the whole text in a single-byte encoding', () => {
    // Versions of Node.js decode the bytes in between differently.
    const byte = fc.oneof(fc.integer({ min: 1, max: 127 }), fc.integer({ min: 160, max: 255 }));
    const bytes = fc.array(byte, { maxLength: 200 }).map((drawn) => Uint8Array.from(drawn));
    fc.assert(
      fc.property(bytes, fc.integer({ min: 5, max: 40 }), (drawn, pieceBytes) => {
        const pieces = readInPieces(drawn, 'windows-1252', pieceBytes);
        expect(pieces.map((piece) => piece.text).join('')).toBe(
          new TextDecoder('windows-1252').decode(drawn).replaceAll('\r\n', '\n'),
        );
      }),
      {
        examples: [
          // A piece that starts with ÿ, and one with a zero byte.
          [Uint8Array.from([97, 97, 97, 97, 97, 255]), 5],
          [Uint8Array.from([97, 97, 97, 97, 97, 0, 0, 0]), 5],
        ],
      },
    );
  });

  test('keeps every line end of arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 5, max: 40 }), (bytes, pieceBytes) => {
        const pieces = readInPieces(bytes, 'utf-8', pieceBytes);
        const lineEnds = pieces.reduce((sum, piece) => sum + piece.lineEnds, 0);
        expect(lineEnds).toBe(bytes.filter((byte) => byte === 10).length);
      }),
    );
  });

  test('has a span with look-ahead', () => {
    expect(pieceSpan(2, 100)).toEqual({ start: 200, end: 300 + LOOK_AHEAD_BYTES });
    expect([piecesIn(0), piecesIn(1, 10), piecesIn(10, 10), piecesIn(11, 10)]).toEqual([1, 1, 1, 2]);
  });
});

describe('the line index', () => {
  test('finds every line after reading in any order', () => {
    fc.assert(
      fc.property(
        texts.chain((text) => fc.tuple(fc.constant(text), fc.infiniteStream(fc.nat()))),
        fc.integer({ min: 5, max: 40 }),
        ([text, order], pieceBytes) => {
          fc.pre(wellFormed(text));
          const pieces = readInPieces(encode(text, 'utf-8'), 'utf-8', pieceBytes);
          const index = new LineIndex();
          const shuffled = pieces.map((piece, at) => ({ piece, at, by: order.next().value }));
          shuffled.sort((a, b) => a.by - b.by);
          for (const { piece, at } of shuffled) index.note(at, piece.lineEnds);
          expect(index.frontier).toBe(pieces.length);
          const whole = pieces.map((piece) => piece.text).join('');
          const lines = whole.split('\n');
          lines.forEach((_line, at) => {
            const found = index.find(at + 1);
            expect(found).not.toBeNull();
            const { piece = 0, skip = 0 } = found ?? {};
            const before = pieces.slice(0, piece).reduce((sum, each) => sum + each.text.length, 0);
            let begins = before;
            for (let left = skip; left > 0; left -= 1) begins = whole.indexOf('\n', begins) + 1;
            if (skip > 0 || piece === 0) expect(whole.slice(0, begins).split('\n').length).toBe(at + 1);
          });
          expect(index.find(lines.length + 1)).toBeNull();
        },
      ),
    );
  });

  test('returns null for unknown lines', () => {
    const index = new LineIndex();
    index.note(0, 10);
    index.note(2, 5);
    expect([index.lineAt(0), index.lineAt(1), index.lineAt(2)]).toEqual([1, 11, null]);
    expect(index.frontier).toBe(1);
    expect(index.find(12)).toBeNull();
    index.note(1, 1);
    expect([index.lineAt(2), index.lineAt(3), index.frontier]).toEqual([12, 17, 3]);
    index.note(1, 2);
    expect([index.lineAt(2), index.lineAt(3)]).toEqual([13, 18]);
    index.forgetFrom(1);
    expect([index.lineAt(1), index.lineAt(2), index.frontier]).toEqual([11, null, 1]);
  });
});

test('the difference turns one text into the other', () => {
  fc.assert(
    fc.property(texts, texts, texts, texts, (start, middle, other, end) => {
      fc.pre([start, middle, other, end].every(wellFormed));
      const [before, after] = [start + middle + end, start + other + end];
      const difference = differenceOf(before, after);
      if (difference === null) {
        expect(before).toBe(after);
        return;
      }
      const { from, to, insert } = difference;
      expect(before.slice(0, from) + insert + before.slice(to)).toBe(after);
      expect(wellFormed(before.slice(0, from))).toBe(true);
      expect(wellFormed(insert)).toBe(true);
    }),
  );
  expect(differenceOf('one\n', 'one\ntwo\n')).toEqual({ from: 4, to: 4, insert: 'two\n' });
});

describe('a hole of zero bytes', () => {
  const joined = (bytes: Uint8Array, pieceBytes: number) =>
    readInPieces(bytes, 'utf-8', pieceBytes)
      .map(({ text }) => text)
      .join('');

  test.each([4_096, 5_000, 100_000])('is shown once over pieces of %d bytes', (pieceBytes) => {
    const hole = Buffer.alloc(20_000);
    const late = Buffer.from('late 1\n');
    expect(joined(Buffer.concat([hole, late]), pieceBytes)).toBe(`${HOLE}late 1\n`);
    expect(joined(Buffer.concat([late, hole, late]), pieceBytes)).toBe(`late 1\n${HOLE}late 1\n`);
    expect(joined(hole, pieceBytes)).toBe(HOLE);
  });

  test('is longer than the zero bytes of a binary file', () => {
    const bytes = Buffer.concat([Buffer.from('a'), Buffer.alloc(100), Buffer.from('b')]);
    expect(joined(bytes, 4_096)).toBe(`a${'\0'.repeat(100)}b`);
  });
});

describe('a cut', () => {
  const log = `${Array.from({ length: 100 }, (_, n) => `line ${n} ....`).join('\n')}\n`;
  const cut = (after: string, afterBytes = after.length, before = log) =>
    wasCut(before, after, { beforeBytes: before.length, afterBytes });

  test.each([
    ['to nothing', ''],
    ['to its first lines', log.slice(0, 1_200)],
    ['by less than a line', log.slice(0, -3)],
    ['and written anew', 'line 0 again ....\n'],
    ['and written anew to nearly the same size', `${'other line ....\n'.repeat(70)}`],
  ])('is one %s', (_, after) => {
    expect(cut(after)).toBe(true);
  });

  test('is one if a hole replaces the text', () => {
    expect(cut(`${HOLE}late 1\n`, log.length + 7)).toBe(true);
    expect(cut('', log.length + 1_000_000)).toBe(true);
    expect(cut(`${HOLE}late 1\nlate 2\n`, log.length + 14, `${HOLE}late 1\n`)).toBe(false);
  });

  test.each([
    ['growth', `${log}more\n`],
    ['a shorter line', log.replace('line 50 ....', 'line 50')],
    ['a deleted line', log.replace('line 50 ....\n', '')],
    ['other text of the same size', log.replaceAll('line', 'LINE')],
  ])('is not %s', (_, after) => {
    expect(cut(after)).toBe(false);
  });
});
