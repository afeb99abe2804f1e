import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW_MS, rowWith } from '../test-fleet';
import { hasTerm, joinChips, readWhileTyping, removeTerm, splitForChips, toggleTerm, withTerm } from './edit';
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
  it('commits a term by the space after it', () => {
    const split = splitForChips('environment=development  age>120m own');
    expect(split.committed.map((chip) => chip.text)).toEqual(['environment=development', 'age>120m']);
    expect(split).toMatchObject({ draft: 'own', draftFrom: 34 });
    expect(splitForChips('owner=ana ').draft).toBe('');
    expect(splitForChips('owner=ana')).toMatchObject({ committed: [], draft: 'owner=ana' });
    expect(splitForChips('  ')).toEqual({ committed: [], draft: '', draftFrom: 2 });
  });

  it('leaves everything from the first error in the draft', () => {
    const split = splitForChips('team age> owner=ana ');
    expect(split.committed.map((chip) => chip.text)).toEqual(['team']);
    expect(split.draft).toBe('age> owner=ana ');
  });

  it('is undone by joinChips, which changes no meaning', () => {
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
  it('takes one term and its space out', () => {
    expect(removeTerm('a  "b c" d', 1)).toBe('a  d');
    expect(removeTerm('a b ', 1)).toBe('a ');
    expect(removeTerm('a', 0)).toBe('');
    expect(removeTerm('a', 5)).toBe('a');
  });
});

describe('withTerm and toggleTerm', () => {
  const ana = metadataTerm('owner', 'ana maria');

  it('add the term as a chip, before what is being typed', () => {
    expect(withTerm('', ana)).toBe('owner="ana maria" ');
    expect(withTerm('team ow', ana)).toBe('team owner="ana maria" ow');
    expect(withTerm('team owner="an', ana)).toBe('team owner="ana maria" owner="an');
  });

  it('recognise the term however it is written', () => {
    expect(withTerm('owner="ana maria"', ana)).toBe('owner="ana maria"');
    expect(hasTerm('own"er"=ana" maria"', ana)).toBe(true);
    expect(toggleTerm('team state=Running age>2h state:running ', stateTerm('running'))).toBe('team age>2h ');
  });

  it('undo each other', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const toggled = toggleTerm(text, ana);
        expect(hasTerm(toggled, ana)).toBe(true);
        expect(parseFilter(toggleTerm(toggled, ana)).filter).toEqual(parseFilter(text).filter);
      }),
    );
  });
});

describe('readWhileTyping', () => {
  const selects = (text: string, metadata: Record<string, string>) => {
    const parsed = parseFilter(text);
    return compileFilter(readWhileTyping(text, parsed.filter))(rowWith({ metadata }), NOW_MS);
  };

  it('takes the value being typed as the beginning of one', () => {
    expect(selects('environment=dev', { environment: 'development' })).toBe(true);
    expect(selects('environment=dev', { environment: 'staging' })).toBe(false);
    expect(selects('environment=staging,dev', { environment: 'development' })).toBe(true);
    expect(selects('environment=stag,development', { environment: 'staging' })).toBe(false);
    expect(selects('has:env', { environment: 'development' })).toBe(true);
  });

  it('takes a finished term as exactly what it says', () => {
    expect(selects('environment=dev ', { environment: 'development' })).toBe(false);
    expect(selects('environment="dev"', { environment: 'development' })).toBe(false);
    expect(selects('environment=dev team=a', { environment: 'development', team: 'agents' })).toBe(false);
    expect(selects('environment=development team=a', { environment: 'development', team: 'agents' })).toBe(
      true,
    );
  });

  it('never hides more than was asked for', () => {
    expect(selects('environment!=dev', { environment: 'development' })).toBe(true);
    expect(selects('!environment=dev', { environment: 'development' })).toBe(true);
  });
});
