import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from './filter';
import { filterInForce, finishedText } from './in-force';

const inForce = (text: string) => {
  const { kind, filter } = filterInForce(text);
  return { kind, filter };
};
const development = parseFilter('environment=development').filter;

describe('filterInForce', () => {
  it('keeps the finished terms in force while the last one is not valid yet', () => {
    for (const draft of ['age>', 'age>1', 'owner=', '!', 'state:runn', 'owner="ana m', 'age>abc'])
      expect(inForce(`environment=development ${draft}`)).toEqual({
        kind: 'unfinished',
        filter: development,
      });
    expect(inForce('age>1')).toEqual({ kind: 'unfinished', filter: [] });
  });

  it('never follows the beginning of a term that became invalid', () => {
    // `age` alone is free text. As soon as it is `age>`, it must not select by that text any more.
    const text = 'environment=development age>1d';
    for (let length = 'environment=development age>'.length; length < text.length; length += 1)
      expect(inForce(text.slice(0, length))).toEqual({ kind: 'unfinished', filter: development });
    expect(inForce(text).filter).toEqual(parseFilter(text).filter);
  });

  it('selects nothing for a finished term that is invalid, wherever it stands', () => {
    for (const text of ['age>abc environment=development', 'environment=development age>abc ', 'age>1 '])
      expect(inForce(text)).toEqual({ kind: 'wrong', filter: null });
    expect(inForce(finishedText('environment=development age>1'))).toEqual({ kind: 'wrong', filter: null });
  });

  it('says which part is wrong', () => {
    const text = 'age>abc environment=development';
    const { error } = filterInForce(text);
    expect(text.slice(error?.from, error?.to)).toBe('abc');
    expect(error?.message).toContain('is not a duration');
  });

  it('selects by less than the whole filter only with an error', () => {
    const pieces = fc.constantFrom(
      'owner=ana',
      'age>2h',
      'age>',
      'state:foo',
      '"a b"',
      '"open',
      ' ',
      ' ',
      'team',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const { filter, error } = filterInForce(finishedText(text));
        if (error === null) expect(filter).toEqual(parseFilter(text).filter);
        else expect(filter === null || text.includes('"')).toBe(true);
      }),
    );
  });
});
