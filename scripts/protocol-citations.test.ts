import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['app', 'components', 'lib', 'e2e', 'scripts', 'bench'].flatMap((folder) =>
  listFiles(folder, /\.(ts|tsx|mjs)$/),
);
const documents = listFiles('docs', /\.md$/);

const CITATION = /\bdocs\/([\w./-]+\.md)#([\w-]+)/g;
const LINK = /\]\(([\w./-]*)#([\w-]+)\)/g;
/** A citation by section number, which changes with the outline. */
const BARE_SECTION = /\u00a7+\s?\d/;

function listFiles(folder: string, pattern: RegExp): string[] {
  return fs
    .readdirSync(path.join(root, folder), { encoding: 'utf8', recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => path.join(folder, name));
}

function readLines(file: string): string[] {
  return fs.readFileSync(path.join(root, file), 'utf8').split('\n');
}

type Citation = { at: string; document: string; slug: string };

function findCitations(file: string): Citation[] {
  return readLines(file).flatMap((line, index) => {
    const at = `${file}:${index + 1}`;
    return [...line.matchAll(CITATION)].map(([, name = '', slug = '']) => ({
      at,
      document: path.join('docs', name),
      slug,
    }));
  });
}

/** Links between the documents, and within one. */
function findLinks(document: string): Citation[] {
  return readLines(document).flatMap((line, index) =>
    [...line.matchAll(LINK)].map(([, name, slug = '']) => ({
      at: `${document}:${index + 1}`,
      document: name ? path.join(path.dirname(document), name) : document,
      slug,
    })),
  );
}

/** The slugs that GitHub gives to the headings of a Markdown text; a repeated heading gets a number. */
function headingSlugs(lines: readonly string[]): Set<string> {
  const slugs = new Set<string>();
  let isCode = false;
  for (const line of lines) {
    if (line.startsWith('```')) isCode = !isCode;
    const heading = isCode ? undefined : /^#{1,6} (.+)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    let unique = slug;
    for (let n = 1; slugs.has(unique); n += 1) unique = `${slug}-${n}`;
    slugs.add(unique);
  }
  return slugs;
}

function findBroken(citations: readonly Citation[]): string[] {
  const slugs = new Map(documents.map((document) => [document, headingSlugs(readLines(document))]));
  return citations
    .filter(({ document, slug }) => !slugs.get(document)?.has(slug))
    .map(({ at, document, slug }) => `${at} cites ${document}#${slug}`);
}

describe('headingSlugs', () => {
  it('match the anchors of GitHub', () => {
    const text =
      '# envd: process `Start`\n```\n# code\n```\n## A_b & c\n### Next.js\n### Next.js\n####none\n';
    expect([...headingSlugs(text.split('\n'))]).toEqual([
      'envd-process-start',
      'a_b--c',
      'nextjs',
      'nextjs-1',
    ]);
  });
});

describe('the documents', () => {
  it('have every heading that the code cites', () => {
    const citations = sources.flatMap(findCitations);
    expect(citations).not.toEqual([]);
    expect(findBroken(citations)).toEqual([]);
  });

  it('have every heading that they link to', () => {
    const links = documents.flatMap((document) => [...findCitations(document), ...findLinks(document)]);
    expect(links).not.toEqual([]);
    expect(findBroken(links)).toEqual([]);
  });
});

it('no comment cites a section by its number', () => {
  const bare = sources.flatMap((file) =>
    readLines(file).flatMap((line, index) =>
      BARE_SECTION.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [],
    ),
  );
  expect(bare).toEqual([]);
});
