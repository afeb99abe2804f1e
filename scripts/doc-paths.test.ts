import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './lib/paths.mjs';

/** Documents outside `docs/` that name files of this repository. */
const TOP_LEVEL = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', '.env.example'];
const CODE_PATH = /`((?:app|components|lib|scripts|bench|e2e|docs|public)\/[^\s`*…]+)`/g;

const documents = [
  ...TOP_LEVEL,
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

/** The paths in the code spans of `document`, without the first column of the table of old names. */
function namedPaths(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8').replace(
    /^\| [^|]*\|(?= [^|]*\|$)/gm,
    (cell, at, all) => (all.slice(0, at).includes('## Old names') ? '|' : cell),
  );
  return [...text.matchAll(CODE_PATH)].map(([, path = '']) => path.replace(/#.*$/, ''));
}

describe.each(documents)('%s', (document) => {
  it('names only files that exist', () => {
    expect(namedPaths(document).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

it('finds the paths in the architecture', () => {
  expect(namedPaths('docs/architecture.md').length).toBeGreaterThan(40);
});

it('documents every setting', async () => {
  const { SETTING_NAMES } = await import('../lib/config-variables');
  const internal = ['SANDKEEPER_ENGINE_URL', 'SANDKEEPER_ENGINE_KEY'];
  const configuration = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  const undocumented = SETTING_NAMES.filter(
    (name) => !internal.includes(name) && !configuration.includes(`\`${name}\``),
  );
  expect(undocumented).toEqual([]);
});
