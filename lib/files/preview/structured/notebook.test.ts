import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNotebook } from './notebook';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const notebook = (outputs: unknown[], more: object = {}) =>
  JSON.stringify({
    cells: [{ cell_type: 'code', source: ['a = 1\n', 'a'], execution_count: 3, outputs }],
    metadata: { language_info: { name: 'python' } },
    nbformat: 4,
    ...more,
  });
const outputsOf = (...outputs: unknown[]) => readNotebook(notebook(outputs))?.cells[0]?.outputs;

test.each([
  [{ language_info: { name: 'Python' } }, 'python'],
  [{ kernelspec: { name: 'python3' } }, 'python'],
  [{ kernelspec: { name: 'julia-1.10' } }, 'julia'],
  [{ kernelspec: { name: 'ir', language: 'R' } }, 'r'],
  [{}, null],
])('reads the language of %j', (metadata, language) => {
  expect(readNotebook(notebook([], { metadata }))?.language).toBe(language);
});

test('reads cells with counts and outputs', () => {
  expect(
    readNotebook(notebook([{ output_type: 'stream', name: 'stdout', text: ['one\n', 'two\n'] }])),
  ).toEqual({
    language: 'python',
    cells: [
      {
        kind: 'code',
        source: 'a = 1\na',
        count: 3,
        outputs: [{ kind: 'text', text: 'one\ntwo\n', isError: false }],
      },
    ],
  });
});

test('joins text outputs and keeps errors separate', () => {
  const stream = (text: string, name = 'stdout') => ({ output_type: 'stream', name, text });
  expect(outputsOf(stream('a'), stream('b'), stream('c', 'stderr'), stream('d'))).toEqual([
    { kind: 'text', text: 'ab', isError: false },
    { kind: 'text', text: 'c', isError: true },
    { kind: 'text', text: 'd', isError: false },
  ]);
  expect(
    outputsOf({ output_type: 'error', ename: 'E', evalue: 'v', traceback: ['\u001b[0;31mE\u001b[0m', 'v'] }),
  ).toEqual([{ kind: 'text', text: 'E\nv', isError: true }]);
});

test('shows PNG and JPEG, never HTML or SVG', () => {
  const shows = (data: object) => outputsOf({ output_type: 'display_data', data })?.[0];
  expect(shows({ 'image/png': `${PNG.slice(0, 40)}\n${PNG.slice(40)}` })).toEqual({
    kind: 'image',
    src: `data:image/png;base64,${PNG}`,
  });
  expect(shows({ 'text/html': '<script>alert(1)</script>', 'text/plain': '<b>' })).toMatchObject({
    text: '<b>',
  });
  expect(shows({ 'text/html': '<script>alert(1)</script>' })).toEqual({
    kind: 'left-out',
    what: 'text/html',
  });
  expect(shows({ 'image/svg+xml': '<svg onload="alert(1)">' })).toEqual({
    kind: 'left-out',
    what: 'image/svg+xml',
  });
  for (const evil of [`${PNG}"onerror=`, '<svg>', 'iVBORw0KGgo,<script>', `/9j/${PNG}`])
    expect(shows({ 'image/png': evil })).toEqual({ kind: 'left-out', what: 'image/png' });
});

test('returns null for other files and never fails', () => {
  for (const text of ['', '{}', '[]', 'null', '{"cells":1}', '['.repeat(100_000)])
    expect(readNotebook(text)).toBeNull();
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (cell, output) => {
      readNotebook(
        JSON.stringify({ cells: [cell, { cell_type: 'code', outputs: [output, { data: cell }] }] }),
      );
    }),
  );
});
