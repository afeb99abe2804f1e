import { expect, test } from 'vitest';
import { z } from 'zod';
import { stringMap } from './string-map';

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])('keeps the name %j', (name) => {
  const input: unknown = JSON.parse(`{${JSON.stringify(name)}: "value", "other": "1"}`);
  const parsed = stringMap().parse(input);
  expect(Object.entries(parsed)).toEqual([
    [name, 'value'],
    ['other', '1'],
  ]);
  expect(JSON.stringify(parsed)).toBe(JSON.stringify(input));
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
});

test.each([[[]], ['text'], [null], [1]])('rejects %j', (input) => {
  expect(stringMap().safeParse(input).error?.issues).toMatchObject([
    { message: 'expected an object of strings' },
  ]);
});

test('names the entry with a wrong value or name', () => {
  const map = z.object({ envs: stringMap({ name: (name) => (name === 'a' ? 'expected b' : undefined) }) });
  expect(map.safeParse({ envs: { a: '1', b: 2 } }).error?.issues).toMatchObject([
    { path: ['envs', 'a'], message: 'expected b' },
    { path: ['envs', 'b'], message: 'expected a string' },
  ]);
});
