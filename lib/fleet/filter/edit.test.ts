import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW_MS, rowWith } from '../test-fleet';
import {
  hasTerm,
  joinChips,
  matchDraftAsPrefix,
  removeTerm,
  splitForChips,
  toggleTerm,
  withTerm,
} from './edit';
import { metadataTerm, parseFilter, stateTerm } from './filter';
import { compileFilter } from './match';

const texts = fc
  .array(
    fc.constantFrom('owner=ana', 'age>2h', 'age>', 'state:foo', '"a b"', '"open', ' ', ' ', '\t', 'team'),
    {
      maxLength: 10,
    },
  )
  .map((pieces) => pieces.join(''));

describe('splitForChips', () => {
  it('commits a term with the space after it', () => {
    const split = splitForChips('environment=development  age>120m own');
    expect(split.committed.map((chip) => chip.text)).toEqual(['environment=development', 'age>120m']);
    expect(split).toMatchObject({ draft: 'own', draftFrom: 34 });
    expect(splitForChips('owner=ana ').draft).toBe('');
    expect(splitForChips('owner=ana')).toMatchObject({ committed: [], draft: 'owner=ana' });
    expect(splitForChips('  ')).toEqual({ committed: [], draft: '', draftFrom: 2 });
  });

  it('keeps everything from the first error on in the draft', () => {
    const split = splitForChips('team age> owner=ana ');
    expect(split.committed.map((chip) => chip.text)).toEqual(['team']);
    expect(split.draft).toBe('age> owner=ana ');
  });

  it('is reversed by joinChips without changing the meaning', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const split = splitForChips(text);
        const joined = joinChips(
          split.committed.map((chip) => chip.text),
          split.draft,
        );
        expect(parseFilter(joined).filter).toEqual(parseFilter(text).filter);
        const again = splitForChips(joined);
        expect(again.committed).toEqual(split.committed);
        expect(again.draft).toBe(split.draft);
        expect(text.slice(split.draftFrom)).toBe(split.draft);
      }),
    );
  });
});

describe('removeTerm', () => {
  it('removes one term and its space', () => {
    expect(removeTerm('a  "b c" d', 1)).toBe('a  d');
    expect(removeTerm('a b ', 1)).toBe('a ');
    expect(removeTerm('a', 0)).toBe('');
    expect(removeTerm('a', 5)).toBe('a');
  });
});

describe('withTerm and toggleTerm', () => {
  const ana = metadataTerm('owner', 'ana maria');

  it('add the term as a chip before the draft', () => {
    expect(withTerm('', ana)).toBe('owner="ana maria" ');
    expect(withTerm('team ow', ana)).toBe('team owner="ana maria" ow');
    expect(withTerm('team owner="an', ana)).toBe('team owner="ana maria" owner="an');
  });

  it('recognise the term in any notation', () => {
    expect(withTerm('owner="ana maria"', ana)).toBe('owner="ana maria"');
    expect(hasTerm('own"er"=ana" maria"', ana)).toBe(true);
    expect(toggleTerm('team state=Running age>2h state:running ', stateTerm('running'))).toBe('team age>2h ');
  });

  it('reverse each other', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const toggled = toggleTerm(text, ana);
        expect(hasTerm(toggled, ana)).toBe(true);
        expect(parseFilter(toggleTerm(toggled, ana)).filter).toEqual(parseFilter(text).filter);
      }),
    );
  });
});

describe('matchDraftAsPrefix', () => {
  const selects = (text: string, metadata: Record<string, string>) => {
    const parsed = parseFilter(text);
    return compileFilter(matchDraftAsPrefix(text, parsed.filter))(rowWith({ metadata }), NOW_MS);
  };

  it('treats the value being typed as a prefix', () => {
    expect(selects('environment=dev', { environment: 'development' })).toBe(true);
    expect(selects('environment=dev', { environment: 'staging' })).toBe(false);
    expect(selects('environment=staging,dev', { environment: 'development' })).toBe(true);
    expect(selects('environment=stag,development', { environment: 'staging' })).toBe(false);
    expect(selects('has:env', { environment: 'development' })).toBe(true);
  });

  it('matches a finished term exactly', () => {
    expect(selects('environment=dev ', { environment: 'development' })).toBe(false);
    expect(selects('environment="dev"', { environment: 'development' })).toBe(false);
    expect(selects('environment=dev team=a', { environment: 'development', team: 'agents' })).toBe(false);
    expect(selects('environment=development team=a', { environment: 'development', team: 'agents' })).toBe(
      true,
    );
  });

  it('never hides more than the exact term', () => {
    expect(selects('environment!=dev', { environment: 'development' })).toBe(true);
    expect(selects('!environment=dev', { environment: 'development' })).toBe(true);
  });
});
