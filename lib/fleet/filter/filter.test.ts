import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestTimeMs, runs } from '../../test-support/runs';
import { STATE_NAMES } from '../states';
import { type Filter, type NonEmpty, type Pattern, parseFilter, parseTerms, type Term } from './filter';
import { printFilter, printTerm } from './print';

/** Any text, with an emphasis on the special characters of the language. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'"\\*,=!<>: \n\t{}u!aß"😀\u202e\ud800'.split('')), maxLength: 8 }),
  fc.constantFrom('age', 'state', 'has', 'id', 'cpu', '__proto__', 'constructor', '', 'owner', 'a=b', '2h'),
);
const nonEmpty = <T>(items: fc.Arbitrary<T>): fc.Arbitrary<NonEmpty<T>> =>
  fc.tuple(items, fc.array(items, { maxLength: 3 })).map(([first, rest]): NonEmpty<T> => [first, ...rest]);
const patterns: fc.Arbitrary<NonEmpty<Pattern>> = nonEmpty(nonEmpty(hostile));
const negated = fc.boolean();
const comparisons = fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const);

const terms: fc.Arbitrary<Term> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), negated, text: hostile }),
  fc.record({ kind: fc.constantFrom('has' as const, 'template' as const, 'id' as const), negated, patterns }),
  fc.record({ kind: fc.constant('metadata' as const), negated, key: hostile, patterns }),
  fc.record({
    kind: fc.constant('state' as const),
    negated,
    states: nonEmpty(fc.constantFrom(...STATE_NAMES)),
  }),
  fc.record({
    kind: fc.constant('compare' as const),
    negated,
    field: fc.constantFrom('age' as const, 'left' as const),
    comparison: comparisons,
    amount: fc.oneof(fc.maxSafeNat(), fc.nat(100_000_000)),
  }),
  fc.record({
    kind: fc.constant('compare' as const),
    negated,
    field: fc.constantFrom('cpu' as const, 'memory' as const),
    comparison: fc.oneof(comparisons, fc.constant('=' as const)),
    amount: fc.nat(1_000_000_000),
  }),
);
const almostFilters = fc
  .array(
    fc.constantFrom(
      'owner',
      'age',
      'state',
      'left',
      'has',
      '=',
      '!=',
      '!',
      '>',
      '<=',
      ':',
      '"',
      '\\',
      '*',
      ',',
      ' ',
      '2h',
      '4GB',
      'paused',
      '\\u{41}',
      '\u00a0',
      'ß',
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''));
const texts = fc.oneof(almostFilters, fc.string({ unit: 'binary' }));

const parsed = (text: string): Filter => {
  const result = parseFilter(text);
  if (!result.ok) throw new Error(`${text}: ${result.error.message}`);
  return result.filter;
};
const only = (text: string): Term => {
  const [term, ...others] = parsed(text);
  if (term === undefined || others.length > 0) throw new Error(`${text} is not one term`);
  return term;
};
/** The message and the part of the text that it marks. */
const wrong = (text: string): { message: string; at: string; filter: Filter } => {
  const result = parseFilter(text);
  if (result.ok) throw new Error(`${text} was read without an error`);
  const { message, from, to } = result.error;
  return { message, at: text.slice(from, to), filter: result.filter };
};

describe('printing and parsing', () => {
  it('parses any filter it prints', () => {
    fc.assert(
      fc.property(fc.array(terms, { maxLength: 5 }), (filter) => {
        expect(parseFilter(printFilter(filter))).toEqual({ ok: true, filter });
      }),
      { numRuns: runs(3_000) },
    );
  });

  it('prints one line without invisible or misleading characters', () => {
    fc.assert(
      fc.property(terms, (term) => {
        expect(printTerm(term)).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e]/u);
      }),
    );
  });

  it('is canonical after one round trip', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const printed = printFilter(parseFilter(text).filter);
        expect(printFilter(parsed(printed))).toBe(printed);
      }),
      { numRuns: runs(3_000) },
    );
  });

  it('never throws, and marks a part of the text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseFilter(text);
        if (result.ok) return;
        const { from, to } = result.error;
        expect(0 <= from && from < to && to <= text.length).toBe(true);
      }),
      { numRuns: runs(3_000) },
    );
  });

  it.each([
    ['environment=development', 'environment=development'],
    ['!owner=ana', 'owner!=ana'],
    ['!owner!=ana', 'owner=ana'],
    ['!!team', 'team'],
    ['age>90m', 'age>1h30m'],
    ['age>=14d', 'age>=2w'],
    ['age<10d', 'age<10d'],
    ['left<1.5s', 'left<1.5s'],
    ['AGE', 'AGE'],
    ['state=Paused', 'state:paused'],
    ['template!=base', '!template:base'],
    ['memory>=4096mb', 'memory>=4GB'],
    ['memory<1.5GiB', 'memory<1536MB'],
    ['cpu!=4', '!cpu=4'],
    ['"age"=5', '"age"=5'],
    ['a"g"e=5', '"age"=5'],
    ['my" "key=x', '"my key"=x'],
    ['owner=""', 'owner=""'],
    ['""=x', '""=x'],
    ['query=a=b&c<d', 'query=a=b&c<d'],
    ['url=https://x.dev:80', 'url=https://x.dev:80'],
    ['path="C:\\\\new"', 'path="C:\\\\new"'],
    ['note="a\\nb"', 'note="a\\nb"'],
    ['run=pr-*,"*"', 'run=pr-*,"*"'],
    ['"\\u{202E}"', '"\\u{202e}"'],
    ['  owner=ana\t\tteam  ', 'owner=ana team'],
  ])('writes %s as %s', (text, canonical) => {
    expect(printFilter(parsed(text))).toBe(canonical);
  });
});

describe('parsing terms', () => {
  it('parses empty text as an empty filter', () => {
    expect(parseFilter('')).toEqual({ ok: true, filter: [] });
    expect(parseFilter(' \t ')).toEqual({ ok: true, filter: [] });
  });

  it('keeps duplicates', () => {
    expect(parsed('team team')).toHaveLength(2);
  });

  it('splits values at unquoted commas and wildcards', () => {
    expect(only('run=pr-*,"a,b*",*')).toEqual({
      kind: 'metadata',
      negated: false,
      key: 'run',
      patterns: [['pr-', ''], ['a,b*'], ['', '']],
    });
  });

  it('parses an unquoted name as a field and a quoted one as metadata', () => {
    expect(only('age>2h')).toMatchObject({ kind: 'compare', field: 'age', amount: 7_200_000 });
    expect(only('"age"=2h')).toMatchObject({ kind: 'metadata', key: 'age' });
    expect(only('state:paused')).toMatchObject({ kind: 'state', states: ['paused'] });
    expect(only('"state"=paused')).toMatchObject({ kind: 'metadata', key: 'state' });
    expect(only('__proto__=x')).toMatchObject({ kind: 'metadata', key: '__proto__' });
  });

  it('adds up durations', () => {
    expect(only('age>1h30m')).toMatchObject({ amount: 5_400_000 });
    expect(only('age>0.5h')).toMatchObject({ amount: 1_800_000 });
    expect(only('age>1w1d')).toMatchObject({ amount: 8 * 86_400_000 });
  });

  it('returns the position of each term', () => {
    expect(parseTerms(' team  age>')).toMatchObject([
      { from: 1, to: 5, ok: true },
      { from: 7, to: 11, ok: false },
    ]);
  });

  it.each([
    ['10,000 letters', 'a'.repeat(10_000)],
    ['10,000 commas', `owner=${','.repeat(10_000)}`],
    ['10,000 quotes', '"'.repeat(10_000)],
    ['10,000 digits', `age>${'9'.repeat(10_000)}`],
    ['5,000 terms', 'a '.repeat(5000)],
    ['10,000 wildcards', `owner=${'*'.repeat(10_000)}`],
  ])('parses %s quickly', async (_, text) => {
    const tookMs = await bestTimeMs(500, () => {
      const startedMs = performance.now();
      parseFilter(text);
      return performance.now() - startedMs;
    });
    expect(tookMs).toBeLessThan(500);
  });
});

describe('errors', () => {
  it.each([
    ['owner="ana', '"ana', /not closed/],
    ['team "ana maria', '"ana maria', /not closed/],
    ['=x', '=', /needs a name/],
    ['age > 2h', '>', /needs a name/],
    ['!=x', '!=', /needs a name/],
    ['owner=', 'owner=', /^owner= needs a value\. For an empty value, write owner=""/],
    ['owner!=', 'owner!=', /^owner!= needs a value/],
    ['owner=ana,', ',', /missing next to this comma/],
    ['owner=,ana', ',', /missing next to this comma/],
    ['age>', 'age>', /^age> needs a duration such as 2h or 30m\.$/],
    ['left<', 'left<', /^left< needs a duration/],
    ['age>2', '2', /^2 needs a unit: s, m, h, d or w, as in 2h\.$/],
    ['age>abc', 'abc', /^abc is not a duration/],
    ['age>2h30', '2h30', /not a duration/],
    ['age>99999999999999w', '99999999999999w', /too large/],
    ['age=2h', 'age=2h', /Compare age with > or </],
    ['age:2h', 'age:2h', /Compare age with > or </],
    ['memory>4', '4', /^4 needs a unit: MB or GB, as in 4GB\.$/],
    ['memory>4TB', '4TB', /not an amount/],
    ['cpu>=many', 'many', /not a number/],
    ['state:foo', 'foo', /^foo is not a state\. States are running, paused, unknown\.$/],
    ['state:running,foo', 'foo', /not a state/],
    ['state:', 'state:', /needs one of running, paused, unknown/],
    ['state>paused', 'state>', /cannot be compared/],
    ['has:', 'has:', /metadata key/],
    ['owner:ana', 'owner:', /For metadata, write owner=/],
    ['priority>3', 'priority>', /works with age, up, left, cpu, memory/],
    ['"age">2h', '"age">', /For metadata, write "age"=/],
    ['!', '!', /needs a term/],
    ['pr-*', '*', /works only in values/],
    ['o*=x', '*', /works only in values/],
    ['owner="a\\qb"', '\\q', /backslash/],
    ['owner="\\u{110000}"', '\\u', /backslash/],
  ])('%s marks %s', (text, at, message) => {
    const error = wrong(text);
    expect(error.at).toBe(at);
    expect(error.message).toMatch(message);
  });

  it('keeps the valid terms and returns the first error', () => {
    const { filter, at } = wrong('team age> owner=ana state:foo');
    expect(printFilter(filter)).toBe('team owner=ana');
    expect(at).toBe('age>');
  });

  it('truncates long text in messages', () => {
    expect(wrong(`age>${'x'.repeat(10_000)}`).message.length).toBeLessThan(120);
    expect(wrong(`${'x'.repeat(10_000)}=`).message.length).toBeLessThan(160);
  });
});
