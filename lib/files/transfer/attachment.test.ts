import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dispositionOf, safeFileName } from './attachment';

describe('the name of a download', () => {
  it.each([
    ['notes.txt', `attachment; filename="notes.txt"; filename*=UTF-8''notes.txt`],
    ['a b.txt', `attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt`],
    ['über.txt', `attachment; filename="_ber.txt"; filename*=UTF-8''%C3%BCber.txt`],
    ['say "hi"%41', `attachment; filename="say _hi__41"; filename*=UTF-8''say%20%22hi%22%2541`],
    [`it's(1)*`, `attachment; filename="it's(1)*"; filename*=UTF-8''it%27s%281%29%2A`],
    ['\u202Egnp.exe', `attachment; filename="_gnp.exe"; filename*=UTF-8''_gnp.exe`],
    ['a\r\nSet-Cookie: x', `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a__Set-Cookie%3A%20x`],
    ['..\\..\\x', `attachment; filename=".._.._x"; filename*=UTF-8''.._.._x`],
    ['..', `attachment; filename="_"; filename*=UTF-8''_`],
  ])('%j is %s', (name, value) => {
    expect(dispositionOf('attachment', name)).toBe(value);
  });

  it('is a single header value for any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const value = dispositionOf('inline', name);
        expect(value).toMatch(/^inline; filename="[^"\\]*"; filename\*=UTF-8''[A-Za-z0-9%._~!-]*$/);
        expect(() => new Headers({ 'content-disposition': value })).not.toThrow();
        expect(decodeURIComponent(value.slice(value.indexOf("''") + 2))).toBe(safeFileName(name));
      }),
    );
  });
});
