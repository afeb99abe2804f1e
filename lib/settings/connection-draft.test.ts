import { describe, expect, it } from 'vitest';
import { ConnectionFields } from '../connection';
import { ChangedConnection, draftOf, NewConnection, rebase } from './connection-draft';

const entered = { ...draftOf(null), kind: 'e2b', name: 'prod', key: 'e2b_0123' };

/** The first problem of each field. */
function problemsOf(changes: Partial<typeof entered>): Record<string, string> {
  const issues = NewConnection.safeParse({ ...entered, ...changes }).error?.issues ?? [];
  return Object.fromEntries(issues.toReversed().map(({ path, message }) => [path.join('.'), message]));
}

describe('the form of a connection', () => {
  it('completes what is left empty by what is usual for the kind', () => {
    expect(NewConnection.parse({ ...entered, key: ' e2b_0123 ' })).toEqual({
      fields: {
        name: 'prod',
        title: 'prod',
        kind: 'e2b',
        label: null,
        apiUrl: 'https://api.e2b.app',
        domain: 'e2b.app',
        sandboxUrl: null,
        teamId: null,
      },
      key: 'e2b_0123',
    });
  });

  it.each([
    [{ name: 'Prod!' }, 'name', 'Use 1 to 32 lower-case letters'],
    [{ name: '' }, 'name', 'Use 1 to 32 lower-case letters'],
    [{ kind: 'local' }, 'kind', 'Choose moru, e2b or e2b-compatible.'],
    [{ kind: 'e2b-compatible' }, 'apiUrl', 'Enter the address of the API'],
    [{ apiUrl: 'api.e2b.app' }, 'apiUrl', 'Enter an http or https address'],
    [{ apiUrl: 'file:///etc/passwd' }, 'apiUrl', 'Enter an http or https address'],
    [{ apiUrl: 'https://me:secret@x.dev' }, 'apiUrl', 'without a user name'],
    [{ sandboxUrl: 'https://x.dev/?a=1' }, 'sandboxUrl', 'without a user name, query'],
    [{ domain: 'https://x.dev' }, 'domain', 'Enter a domain such as'],
    [{ label: 'nine char' }, 'label', 'Use at most 8 characters.'],
    [{ teamId: 'a b' }, 'teamId', 'A team ID has no spaces.'],
    [{ key: '' }, 'key', 'Enter the API key.'],
    [{ key: 'a\nb' }, 'key', 'no spaces'],
  ])('says what is wrong with %j', (changes, field, message) => {
    expect(problemsOf(changes)[field]).toContain(message);
  });

  it('names the problems of the fields and of the key together', () => {
    expect(Object.keys(problemsOf({ name: 'X', key: '' })).sort()).toEqual(['key', 'name']);
  });

  it('keeps the stored key if none is entered, for a connection that exists', () => {
    expect(ChangedConnection.parse({ ...entered, key: ' ' }).key).toBeNull();
    expect(ChangedConnection.parse(entered).key).toBe('e2b_0123');
    expect(ChangedConnection.safeParse({ ...entered, key: 'ä' }).success).toBe(false);
  });

  it.each([
    { name: 'a', kind: 'moru' },
    { name: 'b', title: 'B', label: 'B', kind: 'e2b', teamId: 't', domain: 'x.dev' },
    { name: 'c', kind: 'e2b-compatible', apiUrl: 'https://api.x.dev/v1' },
    {
      name: 'd',
      kind: 'e2b-compatible',
      apiUrl: 'http://127.0.0.1:3000',
      sandboxUrl: 'http://127.0.0.1:3001',
    },
  ])('shows a connection so that saving it changes nothing: %j', (input) => {
    const fields = ConnectionFields.parse(input);
    expect(ChangedConnection.parse(draftOf(fields))).toEqual({ fields, key: null });
  });
});

it('puts what was typed on top of the present state, and tells what both changed', () => {
  const base = { ...draftOf(null), title: 'Old', label: 'O', teamId: 't' };
  const typed = { ...base, title: 'Mine', label: 'L', key: 'e2b_0123' };
  expect(rebase(typed, base, { ...base, title: 'Theirs', label: 'L', teamId: 'u' })).toEqual({
    values: { ...base, title: 'Mine', label: 'L', teamId: 'u', key: 'e2b_0123' },
    own: ['title', 'label', 'key'],
    contested: [{ name: 'title', theirs: 'Theirs' }],
  });
});
