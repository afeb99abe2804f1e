import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionName, connectionOf, idOf, keyOf, namesSandbox, SandboxKey } from './sandbox-key';

const LONG_NAME = 'a'.repeat(32);
const LONG_ID = 'x'.repeat(64);

const isName = (text: unknown) => ConnectionName.safeParse(text).success;
const isKey = (text: unknown) => SandboxKey.safeParse(text).success;

describe('the name of a connection', () => {
  it.each(['a', '7', 'local', 'prod-eu', 'a--b', '0-9', LONG_NAME])('can be %s', (name) => {
    expect(isName(name)).toBe(true);
  });

  it.each([
    '',
    '-',
    '-a',
    'a-',
    'Prod',
    'prod eu',
    'prod_eu',
    'prod.eu',
    'prod/eu',
    'prod\n',
    'prüd',
    '..',
    '%',
    `${LONG_NAME}a`,
    null,
    7,
  ])('cannot be %j', (name) => {
    expect(isName(name)).toBe(false);
  });
});

describe('a key', () => {
  it('consists of the connection and the id', () => {
    expect(keyOf('prod', 'i4x9kq2m')).toBe('prod/i4x9kq2m');
    expect(connectionOf('prod/i4x9kq2m')).toBe('prod');
    expect(idOf('prod/i4x9kq2m')).toBe('i4x9kq2m');
  });

  it.each(['local/s1', 'a/b', `${LONG_NAME}/${LONG_ID}`, 'prod/-', 'prod/__proto__', 'prod/A_b-C'])(
    'can be %s',
    (text) => {
      expect(SandboxKey.parse(text)).toBe(text);
    },
  );

  it.each([
    '',
    '/',
    's1',
    '/s1',
    'local/',
    'local/s1/',
    'local//s1',
    'a/local/s1',
    'Local/s1',
    '-/s1',
    'local/s 1',
    'local/s1\n',
    ' local/s1',
    'local/..',
    'local/../s1',
    'local/%2e',
    'local/ä',
    'local/s1?a=b',
    'local\\s1',
    `${LONG_NAME}a/s1`,
    `local/${LONG_ID}x`,
    null,
    undefined,
    7,
    ['local/s1'],
    { key: 'local/s1' },
  ])('cannot be %j', (text) => {
    expect(isKey(text)).toBe(false);
  });

  it('that is wrong is explained', () => {
    expect(SandboxKey.safeParse('s1').error?.issues.map(({ message }) => message)).toEqual([
      'A sandbox is named by its connection and its ID, such as prod/i4x9kq2m.',
    ]);
  });

  const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

  it('returns what it was made of', () => {
    fc.assert(
      fc.property(name, id, (connection, sandboxId) => {
        const key = keyOf(connection, sandboxId);
        expect([isKey(key), connectionOf(key), idOf(key)]).toEqual([true, connection, sandboxId]);
      }),
    );
  });

  it('is unique: other connections or ids make another one', () => {
    fc.assert(
      fc.property(fc.tuple(name, id), fc.tuple(name, id), (one, other) => {
        expect(keyOf(...one) === keyOf(...other)).toBe(one.join() === other.join());
      }),
    );
  });

  it('of any text is made only of a name and an id that are allowed', () => {
    const part = fc.oneof(name, id, fc.string());
    const text = fc.oneof(
      fc.string(),
      fc.tuple(part, part).map(([connection, rest]) => keyOf(connection, rest)),
    );
    fc.assert(
      fc.property(text, (some) => {
        const [connection = '', sandboxId = '', ...more] = some.split('/');
        const isExpected = more.length === 0 && isName(connection) && /^[A-Za-z0-9_-]{1,64}$/.test(sandboxId);
        expect(isKey(some)).toBe(isExpected);
      }),
    );
  });
});

describe('namesSandbox', () => {
  it('accepts the key and the id of the sandbox, and nothing else', () => {
    for (const text of ['prod/i1', 'i1']) expect(namesSandbox(text, 'prod/i1')).toBe(true);
    for (const text of ['dev/i1', 'prod/i', 'prod', 'prod/', '/i1', 'I1', '', 'i1 '])
      expect([text, namesSandbox(text, 'prod/i1')]).toEqual([text, false]);
  });
});
