import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markdownSections, renderRefusal, safeLink } from './markdown-bounds';

test('renders ordinary texts', () => {
  const text = `# Report\n\n${'- **one** of [many](https://example.com) `things`\n'.repeat(100)}\n\n> quoted\n> > twice\n\n        - four deep\n`;
  expect(renderRefusal(text)).toBeNull();
  expect(renderRefusal('')).toBeNull();
  const row = '| name of a thing | 1,024 | 12 % | yes |\n';
  expect(renderRefusal(`${row}|-|-|-|-|\n${row.repeat(700)}`)).toBeNull();
});

test.each([
  ['quotes', '>'.repeat(5_000)],
  ['items', '- '.repeat(500)],
  ['indented items', Array.from({ length: 200 }, (_, n) => `${'  '.repeat(n)}- a`).join('\n')],
  ['brackets', '['.repeat(50_000)],
  ['brackets on many lines', '[[[[\n'.repeat(2_000)],
  ['stars', '*a **b '.repeat(5_000)],
  ['a list without end', '- a\n'.repeat(60_000)],
  ['a table without end', '|a|b|\n|-|-|\n'.repeat(5_000)],
  // Each row is filled to a thousand cells.
  ['a short table of many columns', `${'|a'.repeat(1_000)}\n${'|-'.repeat(1_000)}\n${'|a\n'.repeat(1_000)}`],
  ['one in a quote', `> ${'|a'.repeat(1_000)}\n> ${'|-'.repeat(1_000)}\n${'> |a\n'.repeat(1_000)}`],
  ['one long line', 'a'.repeat(1_000_000)],
])('refuses excessive input: %s', (_what, text) => {
  expect(renderRefusal(text)).not.toBeNull();
});

test('allows only web links', () => {
  expect(safeLink('https://example.com/a?b#c')).toBe('https://example.com/a?b#c');
  expect(safeLink('http://example.com')).toBe('http://example.com/');
  for (const href of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:x',
    '/sandboxes',
    '#top',
    'mailto:a@b',
    undefined,
  ])
    expect(safeLink(href)).toBeNull();
});

test('sections join to the text and end between blocks', () => {
  const line = fc.constantFrom(
    '# Head',
    'words',
    '',
    '',
    '- item',
    '    code',
    '```',
    '~~~~',
    '> quote',
    '1. one',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), fc.integer({ min: 1, max: 400 }), (drawn, times) => {
      const text = `${drawn.map((each) => (each === 'words' ? each.repeat(times) : each)).join('\n')}\n`;
      expect(markdownSections(text).join('')).toBe(`${text}\n`);
    }),
  );
  const long = `${'word '.repeat(1_000)}\n\n`;
  expect(markdownSections(long.repeat(5))).toHaveLength(5);
  const code = `\`\`\`\n${'line\n\n'.repeat(2_000)}\`\`\`\n\n`;
  expect(markdownSections(`${long}${code}${long}`).map((each) => each.trim())).toEqual([
    long.trim(),
    code.trim(),
    long.trim(),
  ]);
});

test('each section gets the link definitions', () => {
  const sections = markdownSections(
    `See [docs].\n\n${'word '.repeat(1_000)}\n\nlast\n\n[docs]: https://example.com\n`,
  );
  expect(sections).toHaveLength(2);
  for (const section of sections) expect(section).toContain('[docs]: https://example.com');
});
