import { expect, it } from 'vitest';
import { inputOfKey, withCtrl } from './terminal-keys';

it.each([
  ['escape', {}, '\x1b'],
  ['tab', { isCtrl: true }, '\t'],
  ['up', {}, '\x1b[A'],
  ['left', { isApplication: true }, '\x1bOD'],
  ['right', { isCtrl: true, isApplication: true }, '\x1b[1;5C'],
] as const)('sends %s with %j as %j', (key, modes, input) => {
  expect(inputOfKey(key, { isCtrl: false, isApplication: false, ...modes })).toBe(input);
});

it.each([
  ['c', '\x03'],
  ['C', '\x03'],
  ['[', '\x1b'],
  [' ', '\0'],
  ['é', 'é'],
  ['1', '1'],
  ['ls -l', 'ls -l'],
])('turns %j with Ctrl into %j', (text, input) => {
  expect(withCtrl(text)).toBe(input);
});
