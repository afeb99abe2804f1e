import { expect, it } from 'vitest';
import {
  type AccessSearch,
  canAccessMatch,
  isAccessNarrowed,
  parseAccessSearch,
  printAccessSearch,
  WHOLE_ACCESS,
} from './access-filter';

function parse(text: string): AccessSearch {
  const parameters = new URLSearchParams(text);
  return parseAccessSearch((name) => parameters.get(name));
}

it('parses the query string it prints', () => {
  const search: AccessSearch = {
    by: 'ana',
    kind: 'file-opened',
    sandbox: 'i1',
    within: null,
    fromMs: Date.parse('2026-01-15T09:30:00Z'),
    toMs: null,
    before: { atMs: 5, id: '01-a' },
  };
  expect(printAccessSearch(search)).toBe(
    'by=ana&kind=file-opened&sandbox=i1&from=2026-01-15T09%3A30Z&before=5.01-a',
  );
  expect(parse(printAccessSearch(search))).toEqual(search);
});

it('ignores invalid parameters', () => {
  expect(parse('kind=dreamt&within=1y&before=x')).toEqual(WHOLE_ACCESS);
  expect(isAccessNarrowed(parse('before=5.a'))).toBe(false);
  expect(isAccessNarrowed(parse('kind=searched'))).toBe(true);
});

it('matches nothing for control characters', () => {
  expect(canAccessMatch(parse('by=a%00'))).toBe(false);
  expect(canAccessMatch(parse('sandbox=i%07'))).toBe(false);
  expect(canAccessMatch(parse('by=ana&sandbox=i1'))).toBe(true);
});
