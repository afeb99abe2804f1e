import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMetadataLines } from './metadata-lines';

const messageOf = (text: string) => {
  const parsed = parseMetadataLines(text);
  return parsed.ok ? null : parsed.message;
};

describe('parseMetadataLines', () => {
  it('parses one key=value per line, ignoring empty lines and outer spaces', () => {
    const text = '  owner = ana \r\n\n\turl=https://x.test/?a=b\nempty=\n';
    expect(parseMetadataLines(text)).toEqual({
      ok: true,
      value: { owner: 'ana', url: 'https://x.test/?a=b', empty: '' },
    });
    expect(parseMetadataLines('')).toEqual({ ok: true, value: {} });
  });

  it('names the invalid line', () => {
    expect(messageOf('owner=ana\nteam')).toBe('Line 2 is not key=value: team');
    expect(messageOf('\n=ana')).toBe('Line 2 is not key=value: =ana');
    expect(messageOf('a=1\nb=2\na=3')).toBe('Line 3 repeats the key a.');
    expect(messageOf('x'.repeat(200))).toBe(`Line 1 is not key=value: ${'x'.repeat(60)}`);
  });

  it('keeps a key that objects treat specially as its own', () => {
    const parsed = parseMetadataLines('__proto__=x\nconstructor=y');
    expect(parsed.ok && Object.entries(parsed.value)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('allows 64 keys', () => {
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `k${at}=v`).join('\n');
    expect(messageOf(lines(64))).toBeNull();
    expect(messageOf(lines(65))).toBe('Use at most 64 keys, not 65.');
  });

  it('parses any metadata written in this form', () => {
    const word = fc.string({ minLength: 1 }).filter((text) => text === text.trim() && !/[=\n]/.test(text));
    fc.assert(
      fc.property(fc.dictionary(word, word, { maxKeys: 20 }), (metadata) => {
        const text = Object.entries(metadata)
          .map(([key, value]) => `${key}=${value}`)
          .join('\n');
        expect(parseMetadataLines(text)).toEqual({ ok: true, value: { ...metadata } });
      }),
    );
  });
});
