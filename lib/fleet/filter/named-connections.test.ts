import { expect, it } from 'vitest';
import { showsFilter } from './named-connections';

const onLocal = { everywhere: null, on: { local: 'viewer' } } as const;

it.each([
  '',
  'owner=ana',
  'connection:local age>2h',
  '!connection:local',
  'staging',
  'connection:local unknown:x',
])('shows %s to those who see local alone', (text) => {
  expect(showsFilter(onLocal, text)).toBe(true);
});

it.each([
  'connection:staging',
  'owner=ana !connection:staging',
  'connection:local,staging',
  'connection=staging',
  'connection:stag*',
  'connection:',
  'connection:"staging',
])('hides %s from those who see local alone', (text) => {
  expect(showsFilter(onLocal, text)).toBe(false);
  expect(showsFilter({ everywhere: 'viewer', on: {} }, text)).toBe(true);
});
