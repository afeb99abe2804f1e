import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test-support/runs';
import { mixedFleet, rowWith } from '../test-fleet';
import { splitForChips } from './edit';
import { countFacets } from './facets';
import { parseFilter } from './filter';
import { type Suggestion, suggest } from './suggest';

const counts = countFacets([
  rowWith({ metadata: { owner: 'ana', team: 'agents' } }),
  rowWith({ metadata: { owner: 'ana', team: 'evals' }, state: 'paused' }),
  rowWith({ metadata: { owner: 'Ana Maria', team: 'evals' }, alias: 'python' }),
  rowWith({ metadata: { owner: 'li', team: 'evals', age: '5' } }),
]);

/** `|` marks the caret. */
function at(marked: string, limit?: number): Suggestion[] {
  const caret = marked.indexOf('|');
  return suggest(marked.replace('|', ''), caret, counts, limit);
}
function labels(marked: string, limit?: number): string[] {
  return at(marked, limit).map((suggestion) => suggestion.label);
}
/** The text after choosing the suggestion with this label, with the caret marked. */
function chosen(marked: string, label: string): string | undefined {
  const found = at(marked, 50).find((suggestion) => suggestion.label === label);
  return found && `${found.insert.slice(0, found.caret)}|${found.insert.slice(found.caret)}`;
}

describe('at an empty term', () => {
  it('suggests keys, then fields', () => {
    expect(labels('|')).toEqual([
      'team=',
      'owner=',
      '"age"=',
      'state:',
      'age>',
      'left<',
      'template:',
      'has:',
      'cpu>=',
      'memory>=',
    ]);
  });

  it('omits keys and fields that have a term', () => {
    expect(labels('team=evals age>2h |', 4)).toEqual(['owner=', '"age"=', 'state:', 'left<']);
  });

  it('suggests fields with lists after !', () => {
    expect(labels('!|', 4)).toEqual(['team!=', 'owner!=', '"age"!=', '!has:team']);
  });
});

describe('in a word', () => {
  it('suggests keys, presence and values that start with it, then those that contain it', () => {
    expect(labels('te|')).toEqual(['team=', 'template:', 'has:team', 'state:']);
    expect(labels('an|')).toEqual(['owner=ana', 'owner="Ana Maria"']);
    expect(labels('AGE|')).toEqual(['"age"=', 'age>', 'age<', 'has:age', 'team=agents']);
    expect(labels('vals|')).toEqual(['team=evals']);
  });

  it('negates suggestions after !', () => {
    expect(labels('!tea|')).toEqual(['team!=', '!has:team']);
    expect(labels('!paus|')).toEqual(['!state:paused']);
  });
});

describe('in a value', () => {
  it('suggests values with counts, most frequent first', () => {
    expect(at('owner=|').map(({ label, count }) => [label, count])).toEqual([
      ['owner=ana', 2],
      ['owner="Ana Maria"', 1],
      ['owner=li', 1],
    ]);
  });

  it('filters by the typed text, quoted or not', () => {
    expect(labels('owner=AN|')).toEqual(['owner=ana', 'owner="Ana Maria"']);
    expect(labels('owner="ana m|')).toEqual(['owner="Ana Maria"']);
    expect(labels('owner=mar|')).toEqual(['owner="Ana Maria"']);
  });

  it('omits values that the filter or the list contains', () => {
    expect(labels('owner=ana owner=|')).toEqual(['owner="Ana Maria"', 'owner=li']);
    expect(labels('owner=ana,|')).toEqual(['owner=ana,"Ana Maria"', 'owner=ana,li']);
  });

  it('suggests states, templates, keys and amounts', () => {
    expect(at('state:|').map(({ label, count }) => [label, count])).toEqual([
      ['state:running', 3],
      ['state:paused', 1],
    ]);
    expect(labels('!template:|')).toEqual(['!template:base', '!template:python']);
    expect(labels('has:te|')).toEqual(['has:team']);
    expect(labels('age>|', 3)).toEqual(['age>30m', 'age>1h', 'age>2h']);
    expect(labels('age>3|')).toEqual(['age>3m', 'age>3h', 'age>3d', 'age>30m']);
    expect(labels('memory>=4|')).toEqual(['memory>=4GB', 'memory>=4MB']);
    expect(labels('"age"=|')).toEqual(['"age"=5']);
    expect(labels('owner>|')).toEqual([]);
    expect(labels('owner="a\\q|')).toEqual([]);
  });
});

describe('connections', () => {
  const several = countFacets([
    rowWith({ key: 'prod/a', id: 'a' }),
    rowWith({ key: 'prod/b', id: 'b' }),
    rowWith({ key: 'staging/a', id: 'a' }),
  ]);
  const labelsOf = (text: string) => suggest(text, text.length, several, 50).map(({ label }) => label);

  it('are suggested if there are several', () => {
    expect(labelsOf('')).toContain('connection:');
    expect(labelsOf('!')).toContain('!connection:');
    expect(labelsOf('connection:')).toEqual(['connection:prod', 'connection:staging']);
    expect(labelsOf('!connection:prod,')).toEqual(['!connection:prod,staging']);
    expect(labelsOf('stag')).toContain('connection:staging');
    expect(labels('|', 50)).not.toContain('connection:');
    expect(labels('loc|', 50)).toEqual([]);
  });
});

describe('choosing', () => {
  it('commits finished terms and keeps the caret behind open ones', () => {
    expect(chosen('ow|', 'owner=')).toBe('owner=|');
    expect(chosen('team owner=a|', 'owner=ana')).toBe('team owner=ana |');
    expect(chosen('owner=a| team', 'owner=ana')).toBe('owner=ana |team');
    expect(chosen('own|er=li team', 'owner=')).toBe('owner=| team');
    expect(chosen('|team', 'owner=')).toBe('owner=| team');
    expect(chosen('state:|', 'state:paused')).toBe('state:paused |');
  });

  it('always turns a finished suggestion into a chip', () => {
    const large = countFacets([...mixedFleet(50), rowWith({ metadata: { 'a "b': '\\ \n,*' } })]);
    const prefixes = fc.constantFrom(
      '',
      'o',
      '!',
      '!t',
      'owner=',
      'owner!=',
      'state:',
      'age>',
      'has:',
      '"a',
      '"a \\"b"=',
    );
    fc.assert(
      fc.property(prefixes, fc.constantFrom('', 'team '), (prefix, before) => {
        const text = before + prefix;
        for (const { insert, caret, kind } of suggest(text, text.length, large, 100)) {
          if (kind === 'key' || kind === 'field') {
            expect(caret).toBe(insert.length);
          } else {
            expect(parseFilter(insert).ok).toBe(true);
            expect(splitForChips(insert).draft).toBe('');
          }
        }
      }),
    );
  });

  it('never throws, for any caret position', () => {
    const texts = fc.string({ unit: fc.constantFrom(...'ow=:!><"\\, *ge'.split('')) });
    fc.assert(
      fc.property(texts, fc.nat(), (text, position) => {
        const caret = position % (text.length + 1);
        for (const suggestion of suggest(text, caret, counts)) {
          expect(suggestion.caret).toBeLessThanOrEqual(suggestion.insert.length);
        }
      }),
      { numRuns: runs(2_000) },
    );
  });
});
