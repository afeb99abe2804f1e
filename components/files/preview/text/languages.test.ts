import { expect, test } from 'vitest';
import { LANGUAGES, languageNamed, languageOf } from './languages';

test('the rules of every language are where they are said to be', async () => {
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
])('%s beginning with %j', (name, firstLine, language) => {
  expect(languageOf(name, firstLine)?.name).toBe(language);
});

test('languages by the names that people give them', () => {
  expect(['python', 'py', 'C++', 'bash', 'nonsense'].map((name) => languageNamed(name)?.name)).toEqual([
    'Python',
    'Python',
    'C++',
    'Shell',
    undefined,
  ]);
});
