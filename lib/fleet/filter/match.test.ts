import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../sandbox/schema';
import { keyOf } from '../../sandbox-key';
import { NOW_MS, rowWith } from '../test-fleet';
import { metadataTerm, parseFilter, presenceTerm } from './filter';
import { compileFilter } from './match';

function selects(text: string, changes: Partial<Sandbox>): boolean {
  const result = parseFilter(text);
  if (!result.ok) throw new Error(result.error.message);
  return compileFilter(result.filter)(rowWith(changes), NOW_MS);
}

describe('metadata', () => {
  const ana = { metadata: { owner: 'ana', run: 'pr-4177' } };

  it.each([
    ['owner=ana', true],
    ['owner=Ana', false],
    ['owner=an', false],
    ['owner=li,ana', true],
    ['owner!=ana', false],
    ['owner!=li', true],
    ['owner!=li,ana', false],
    ['missing!=x', true],
    ['missing=x', false],
    ['missing=""', false],
    ['run=pr-*', true],
    ['run=*-4177', true],
    ['run=p*4*7', true],
    ['run=*4177*', true],
    ['run=pr-4177*4177', false],
    ['run="pr-*"', false],
    ['owner=*', true],
    ['missing=*', false],
    ['has:owner', true],
    ['has:own', false],
    ['has:own*', true],
    ['has:team,run', true],
    ['!has:team', true],
    ['owner=ana run=pr-4177', true],
    ['owner=ana run=pr-4178', false],
  ])('%s: %s', (text, expected) => {
    expect(selects(text, ana)).toBe(expected);
  });

  it('matches any key literally', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'age', 'state', '', 'a=b']) {
      const metadata = Object.fromEntries([[key, 'x']]);
      for (const term of [metadataTerm(key, 'x'), presenceTerm(key)]) {
        expect(compileFilter([term])(rowWith({ metadata }), NOW_MS)).toBe(true);
        expect(compileFilter([term])(rowWith(), NOW_MS)).toBe(false);
      }
    }
  });
});

describe('text', () => {
  const row = {
    id: 'i66nm4lfkpk7u05cjuspg',
    alias: 'browser-use',
    metadata: { team: 'Agents', note: 'two words' },
  };

  it.each([
    ['team', true],
    ['AGENTS', true],
    ['66nm', true],
    ['browser', true],
    ['rki5', true],
    ['"two words"', true],
    ['"teamagents"', false],
    ['evals', false],
    ['!evals', true],
    ['!team', false],
  ])('%s: %s', (text, expected) => {
    expect(selects(text, row)).toBe(expected);
  });

  it('matches exactly the rows with the key if the word occurs only as a key', () => {
    const fleet = [
      rowWith({ metadata: { team: 'evals' } }),
      rowWith({ metadata: { owner: 'ana' } }),
      rowWith(),
    ];
    for (const [word, explicit] of [
      ['team', 'has:team'],
      ['!team', '!has:team'],
    ] as const) {
      const byWord = fleet.map((row) => compileFilter(parseFilter(word).filter)(row, NOW_MS));
      const byKey = fleet.map((row) => compileFilter(parseFilter(explicit).filter)(row, NOW_MS));
      expect(byWord).toEqual(byKey);
    }
  });
});

describe('fields', () => {
  it.each<[string, Partial<Sandbox>, boolean]>([
    ['state:paused', { state: 'paused' }, true],
    ['state:paused', {}, false],
    ['state:paused,running', {}, true],
    ['!state:paused', {}, true],
    ['template:base', {}, true],
    ['template:rki5dems9wqfm4r03t7g', {}, true],
    ['template:rki5dems9wqfm4r03t7g', { alias: null }, true],
    ['template:bas', {}, false],
    ['template:bas*', {}, true],
    ['id:ia7k', {}, true],
    ['id:a7k', {}, false],
    ['id:*zbyq', {}, true],
    ['age>1h59m', {}, true],
    ['age>2h', {}, false],
    ['age>=2h', {}, true],
    ['age<=2h', {}, true],
    ['age<2h', {}, false],
    ['left<31m', {}, true],
    ['left>31m', {}, false],
    ['left<31m', { state: 'paused' }, false],
    ['left>0s', { state: 'paused' }, false],
    ['!left<31m', { state: 'paused' }, true],
    ['left<10m', { endAtMs: NOW_MS - 1000 }, true],
    ['cpu>=2', {}, true],
    ['cpu=4', {}, false],
    ['cpu!=4', {}, true],
    ['memory=4GB', {}, true],
    ['memory<4GB', {}, false],
  ])('%s on %j: %s', (text, changes, expected) => {
    expect(selects(text, changes)).toBe(expected);
  });

  it('selects everything with an empty filter', () => {
    expect(selects('', {})).toBe(true);
  });
});

describe('connections', () => {
  it.each([
    ['connection:prod', 'prod', true],
    ['connection:prod', 'prod-eu', false],
    ['connection:prod,staging', 'staging', true],
    ['connection:prod*', 'prod-eu', true],
    ['!connection:prod', 'prod', false],
    ['!connection:prod', 'staging', true],
    ['connection!=prod', 'staging', true],
    ['"connection"=prod', 'prod', false],
  ])('matches %s in %s: %s', (text, name, isMatching) => {
    const parsed = parseFilter(text);
    expect(parsed.ok).toBe(true);
    expect(compileFilter(parsed.filter)(rowWith({ key: keyOf(name, 'i1'), id: 'i1' }), NOW_MS)).toBe(
      isMatching,
    );
  });
});

describe('patterns', () => {
  it('agree with the equivalent regular expression', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
    fc.assert(
      fc.property(
        fc.tuple(piece, fc.array(piece, { maxLength: 3 })),
        fc.string({ unit: fc.constantFrom('a', 'b') }),
        ([first, rest], value) => {
          const test = compileFilter([
            { kind: 'metadata', negated: false, key: 'k', patterns: [[first, ...rest]] },
          ]);
          const expression = new RegExp(`^${[first, ...rest].join('.*')}$`);
          expect(test(rowWith({ metadata: { k: value } }), NOW_MS)).toBe(expression.test(value));
        },
      ),
    );
  });
});
