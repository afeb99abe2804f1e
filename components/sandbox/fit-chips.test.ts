import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitChips, nameRest, sharedKeys } from './fit-chips';

const ENTRIES = [
  ['environment', 'development'],
  ['owner', 'ana'],
  ['team', 'agents'],
] as const;

it('shows the chips that fit beside the number of the others', () => {
  expect([60, 190, 200, 290, 380].map((widthPx) => fitChips(ENTRIES, widthPx))).toEqual([1, 1, 1, 2, 3]);
});

it('needs no room for a number if all fit', () => {
  const [first] = ENTRIES;
  expect(fitChips([first], 175)).toBe(1);
  expect(fitChips([first, ['a', 'b']], 175 + 6 + 35)).toBe(2);
});

it('shows a part of a long chip rather than nothing beside free room', () => {
  const long = ['url', 'x'.repeat(5_000)] as const;
  expect(fitChips([['a', 'b'], long, long], 180)).toBe(2);
  expect(fitChips([['a', 'b'], long, long], 120)).toBe(1);
});

it('shows at least one and at most all of any metadata, and more in more room', () => {
  const text = fc.string({ maxLength: 50, unit: fc.constantFrom('a', ' ', '中', '👩', '\u202e', '\ud800') });
  const entries = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(entries, fc.nat(2_000), fc.nat(500), (all, widthPx, morePx) => {
      const count = fitChips(all, widthPx);
      expect(count).toBeGreaterThanOrEqual(1);
      expect(count).toBeLessThanOrEqual(all.length);
      expect(fitChips(all, widthPx + morePx)).toBeGreaterThanOrEqual(count);
    }),
    { numRuns: 50 },
  );
});

it('names the others, shortened and with marked characters', () => {
  expect(nameRest(ENTRIES.slice(1))).toBe('+2 more: owner=ana, team=agents');
  expect(nameRest([['file', 'safe\u202egnp.exe']])).toBe('+1 more: file=safe[RLO]gnp.exe');
  const many = Array.from({ length: 30 }, (_, at) => [`k${at}`, 'v'.repeat(500)] as const);
  expect(nameRest(many)).toMatch(/^\+30 more: k0=v{57}…, .* and 18 others$/);
});

it('finds the keys with the same value in all sandboxes', () => {
  const all: Record<string, string>[] = [
    { owner: 'ana', run: '1', team: 'a' },
    { owner: 'ana', run: '2', team: 'a' },
    { owner: 'ana', run: '1' },
  ];
  expect([...sharedKeys(all)]).toEqual(['owner']);
  // Alone, none tells more than another.
  expect([...sharedKeys(all.slice(0, 1)), ...sharedKeys([])]).toEqual([]);
  const odd: Record<string, string>[] = [JSON.parse('{"__proto__":"x"}'), {}];
  expect([...sharedKeys(odd)]).toEqual([]);
});
