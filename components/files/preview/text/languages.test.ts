import { expect, test } from 'vitest';
import { LANGUAGES, languageNamed, languageOf } from './languages';

test('every language mode loads', async () => {
  for (const { name, load } of LANGUAGES)
    expect([name, typeof (await load()).token]).toEqual([name, 'function']);
});

test.each([
  ['judge.py', '', 'Python'],
  ['Dockerfile', '', 'Dockerfile'],
  ['.bashrc', '', 'Shell'],
  ['a.tsx', '', 'TypeScript'],
  ['run', '#!/usr/bin/env python3', 'Python'],
  ['run', '#!/bin/bash -e', 'Shell'],
  ['notes', 'python', undefined],
  ['a.constructor', '', undefined],
  ['py', '', undefined],
])('%s with first line %j', (name, firstLine, language) => {
  expect(languageOf(name, firstLine)?.name).toBe(language);
});

test('finds languages by common names', () => {
  expect(['python', 'py', 'C++', 'bash', 'nonsense'].map((name) => languageNamed(name)?.name)).toEqual([
    'Python',
    'Python',
    'C++',
    'Shell',
    undefined,
  ]);
});
