import { expect, it } from 'vitest';
import { connectionWord, isConnectionNamed } from './connection';

const inUse = (labels: Record<string, string | null>) =>
  Object.entries(labels).map(([name, label]) => ({ name, label }));

it('names a connection unless it is the only one in use', () => {
  expect(isConnectionNamed('prod', inUse({ prod: null }))).toBe(false);
  expect(isConnectionNamed('removed', inUse({ prod: null }))).toBe(true);
  expect(isConnectionNamed('prod', inUse({ prod: null, eu: null }))).toBe(true);
  expect(isConnectionNamed('prod', [])).toBe(false);
});

it.each([
  [{ 'prod-eu': 'EU', staging: null }, 'EU'],
  [{ 'prod-eu': null, staging: 'EU' }, 'prod-eu'],
  // Either of these would be taken for the other.
  [{ 'prod-eu': 'EU', staging: 'EU' }, 'prod-eu'],
  [{ 'prod-eu': 'staging', staging: null }, 'prod-eu'],
  [{ staging: null }, 'prod-eu'],
])('calls prod-eu by its label where that means it alone: %j', (labels, word) => {
  expect(connectionWord('prod-eu', inUse(labels))).toBe(word);
});
