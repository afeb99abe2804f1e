import { expect, it } from 'vitest';
import { seesCommands, withoutArguments } from './redact';

it.each([
  ['ls', 'ls'],
  ['  /usr/bin/env python3 run.py --key=abc', '/usr/bin/env …'],
  ['npm run deploy -- --token abc', 'npm …'],
  ['curl\n-H token', 'curl …'],
  ['echo;secret', 'echo …'],
  ['echo>secret', 'echo …'],
])('%s shows %s', (command, shown) => {
  expect(withoutArguments(command)).toBe(shown);
});

it.each([
  'TOKEN=abc curl example.com',
  'X="a secret word" curl',
  '"/opt/secret tool" x',
  '$(cat /secret)',
  '`secret`',
  '(secret)',
  '# secret',
  'ключ secret',
  `${'x'.repeat(65)} y`,
])('%s shows no program', (command) => {
  expect(withoutArguments(command)).toBe('…');
});

it('shows whole commands to those who may send them, on every connection', () => {
  const grants = { everywhere: null, on: { one: 'operator', two: 'viewer' } } as const;
  expect(seesCommands(grants, 'one')).toBe(true);
  expect(seesCommands(grants, 'two')).toBe(false);
  expect(seesCommands(grants, ['one', 'two'])).toBe(false);
  expect(seesCommands(grants, '')).toBe(false);
});
