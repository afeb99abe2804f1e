import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitName, visibleParts, visibleText } from './visible-text';

const DECEIVING = /[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F]/u;

describe('visibleText', () => {
  it.each([
    ['report.html', 'report.html'],
    ['two\nlines', 'two⏎lines'],
    ['tab\there', 'tab⇥here'],
    ['bell\u0007', 'bell␇'],
    ['c1\u0085x', 'c1⏎x'],
    ['c1\u0090x', 'c1[90]x'],
    ['gpj.\u202Eexe', 'gpj.[RLO]exe'],
    ['zero\u200Bwidth', 'zero[ZWSP]width'],
    ['tag\u{E0041}', 'tag[E0041]'],
    ['hangul\u3164filler', 'hangul[3164]filler'],
    [' leading and trailing  ', '␣leading and trailing␣␣'],
    ['no\u00A0break', 'no␣break'],
    ['bad\uFFFDbytes', 'bad�bytes'],
    ['日本語.txt', '日本語.txt'],
    ['שלום.txt', 'שלום.txt'],
    ['👩‍💻.txt', '👩‍💻.txt'],
    ['❤️', '❤️'],
    ['1️⃣', '1️⃣'],
    ['1\uFE0F', '1[FE0F]'],
    ['a\u200Db', 'a[ZWJ]b'],
    ['\u001b[31mred', '␛[31mred'],
    [' ', '␣'],
  ])('%j is shown as %j', (name, shown) => {
    expect(visibleText(name)).toBe(shown);
  });

  it('names the character of a sign', () => {
    expect(visibleParts('a\u202Eb')).toEqual([
      { text: 'a', standsFor: null },
      { text: '[RLO]', standsFor: 'U+202E, right-to-left override' },
      { text: 'b', standsFor: null },
    ]);
    expect(visibleParts('\uFFFD')[0]?.standsFor).toMatch(/not UTF-8/);
  });

  it('never contains an invisible or reordering character, for any name', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(nasty, (name) => {
        const plain = visibleParts(name).filter(({ standsFor }) => standsFor === null);
        expect(plain.map(({ text }) => text).join('')).not.toMatch(DECEIVING);
      }),
    );
  });
});

describe('visibleText of a block', () => {
  it.each([
    ['plain\ttext\n', 'plain\ttext\n'],
    [' indented  \n  more ', ' indented  \n  more '],
    ['no\u00A0break', 'no\u00A0break'],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['10%\r20%', '10%␍20%'],
    ['\u001b[31mred\u0007\0', '␛[31mred␇␀'],
    ['\u007f\u009b', '␡[9B]'],
    ['a\u202eb\u2066c', 'a[RLO]b[LRI]c'],
    ['zero\u200bwidth', 'zero[ZWSP]width'],
    ['👩‍💻', '👩‍💻'],
    ['<b>ä 😀</b>', '<b>ä 😀</b>'],
  ])('%j is shown as %j', (text, shown) => {
    expect(visibleText(text, 'block')).toBe(shown);
  });

  it('marks the same characters with the same signs as a line', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x10ffff }), (code) => {
        const character = `a${String.fromCodePoint(code)}b`;
        const [line, block] = [visibleText(character), visibleText(character, 'block')];
        const keepsSpace = /[\t\n\p{Zs}]/u.test(character);
        expect(block).toBe(keepsSpace ? character : line);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('splitName', () => {
  it.each([
    ['short.txt', ['short.txt', '']],
    ['a-rather-long-name-of-a-file.jsonl', ['a-rather-long-name-of-a-', 'file.jsonl']],
    ['the-leftovers-of-an-agent.tar.gz', ['the-leftovers-of-an-a', 'gent.tar.gz']],
    ['the notes of the long run.md', ['the notes of the lon', 'g run.md']],
    ['a-name-without-any-extension', ['a-name-without-any-exten', 'sion']],
    ['קובץ-ארוך-מאוד-מאוד.txt', ['קובץ-ארוך-מאוד-מאוד.txt', '']],
    ['some-long-name-😀 abc.txt', ['some-long-name-', '😀 abc.txt']],
  ])('%j', (name, parts) => {
    expect(splitName(name)).toEqual(parts);
  });

  it('loses no text and splits no grapheme', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (name) => {
        const [head, tail] = splitName(name);
        expect(head + tail).toBe(name);
        expect(tail).not.toMatch(/^[\p{M}\uDC00-\uDFFF]/u);
      }),
    );
  });
});
