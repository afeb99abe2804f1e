import { beforeAll, expect, test } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { PNG, PNG_BASE64, WAV } from '@/e2e/support/samples';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { openPage } from '@/e2e/support/served/page';
import { expectNothingRan, preview, text, viewButton } from '@/e2e/support/served/preview';
import { Box, moru } from '@/e2e/support/served/sandboxes';

let box: Box;
beforeAll(async () => {
  box = await Box.create();
});

const open = (name: string, more?: Record<string, string>) =>
  openPage(box.path(name, more), { role: 'operator' });

test('Markdown renders without running, loading or navigating', async () => {
  await box.write(
    'README.md',
    [
      '# The report',
      '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">',
      '![pixel](https://tracker.example/p.png)',
      '[docs](https://docs.example/a?b=1) and [evil](javascript:window.pwned=1)',
      '| name | score |\n| --- | --- |\n| ana | 7 |',
      '- [x] done\n- [ ] open',
      '![plot](img/plot.png) ![drawing](./drawing.svg) ![fake](fake.png) ![system](/etc/x.png)',
      '```python\nimport os\n```',
    ].join('\n\n'),
  );
  await box.write('img/plot.png', PNG);
  await box.write(
    'drawing.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>top.pwned = 1</script></svg>',
  );
  await box.write('fake.png', '<script>window.pwned = 1</script>');
  await open('README.md');
  const rendered = page.getByRole('document', { name: 'Rendered text' });
  await expect.element(rendered.getByRole('heading', { name: 'The report' })).toBeVisible();
  await expect.element(rendered.getByRole('cell', { name: 'ana' })).toBeVisible();
  await expect.element(rendered.getByRole('checkbox').first()).toBeChecked();
  await expect.element(rendered).toHaveTextContent('Image: pixel (not loaded)');
  for (const name of ['plot', 'drawing']) {
    const image = () => rendered.getByRole('img', { name }).element() as HTMLImageElement;
    await expect.element(rendered.getByRole('img', { name })).toBeInTheDocument();
    image().scrollIntoView();
    await expect.poll(() => image().naturalWidth).toBeGreaterThan(0);
  }
  await expect.element(rendered).toHaveTextContent('Image: fake (not found or not an image)');
  await expect.element(rendered).toHaveTextContent('Image: system (not loaded)');
  await expect.poll(() => rendered.element().querySelector('.tok-keyword')?.textContent).toBe('import');
  expect(
    rendered
      .getByRole('link')
      .elements()
      .map(({ textContent }) => textContent),
  ).toEqual(['docs']);
  await rendered.getByRole('link', { name: 'docs' }).click();
  await expect
    .element(page.getByRole('status').filter({ hasText: 'This link leads to' }))
    .toHaveTextContent('https://docs.example/a?b=1');
  await expect
    .element(page.getByRole('link', { name: 'Open in a new tab' }))
    .toHaveAttribute('rel', 'noopener noreferrer');
  expectNothingRan();
  await expectAccessible('rendered Markdown');
  await viewButton('Text').click();
  await expect.element(text).toHaveTextContent('<script>window.pwned');
  expect(window.location.search).toContain('view=text');
  const foreign = performance
    .getEntriesByType('resource')
    .filter(({ name }) => !name.startsWith(window.location.origin) && !name.startsWith('data:'));
  expect(foreign).toEqual([]);
});

/** The accessible name of an item would have spaces between its parts. */
const item = (tree: Locator, hasText: string) => tree.getByRole('treeitem').filter({ hasText });

test('JSON is a tree with every digit, and its path is shown', async () => {
  const many = Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`).join(',');
  await box.write('data.json', `{"big":12345678901234567890,"odd\\u202e":null,"many":[${many}]}`);
  await open('data.json');
  const tree = page.getByRole('tree', { name: 'JSON' });
  await expect.element(item(tree, 'big: 12345678901234567890')).toBeVisible();
  await expect.element(item(tree, 'odd[RLO]: null')).toBeVisible();
  await item(tree, 'many: [ 20,000 elements ]').click();
  await userEvent.keyboard('{End}');
  await expect.element(item(tree, '19999: { 1 key }')).toBeInViewport();
  expect(tree.getByRole('treeitem').elements().length).toBeLessThan(150);
  await userEvent.keyboard('{ArrowRight}{ArrowDown}');
  await expect.element(preview).toHaveTextContent('$.many[19999].n');
  await expectAccessible('a JSON tree');
});

test('invalid JSON shows the error, and deep or line-delimited JSON a tree', async () => {
  const tree = page.getByRole('tree', { name: 'JSON' });
  await box.write('broken.json', `{\n  "a": 1,\n  "b" 2\n}\n`);
  await open('broken.json');
  await expect.element(preview).toHaveTextContent('Invalid JSON in line 3, column 7: expected “:”.');
  await expect.element(text).toHaveTextContent('"b" 2');
  await box.run(
    `head -c 100000 /dev/zero | tr '\\0' '[' > deep.json; head -c 100000 /dev/zero | tr '\\0' ']' >> deep.json`,
  );
  await open('deep.json');
  await expect.element(tree.getByRole('treeitem').first()).toBeVisible();
  await box.write('log.jsonl', '{"step":1}\n{"step":2}\n');
  await open('log.jsonl');
  await expect.element(item(tree, 'step: 2')).toBeVisible();
});

test('a table scrolls both ways under its header', async () => {
  const head = Array.from({ length: 300 }, (_, n) => `column ${n + 1}`).join(',');
  const row = (n: number) => Array.from({ length: 300 }, (_, at) => `${n}x${at + 1}`).join(',');
  const rows = Array.from({ length: 2_000 }, (_, n) => row(n + 1));
  await box.write(
    'table.csv',
    `${head}\n"said ""hi"", left",${row(0).replace(/^0x1,/, '')}\n${rows.join('\n')}\n`,
  );
  await open('table.csv');
  const grid = page.getByRole('grid', { name: 'Table' });
  await expect.element(grid.getByRole('columnheader', { name: 'column 1', exact: true })).toBeVisible();
  await expect.element(grid.getByRole('gridcell', { name: 'said "hi", left' })).toBeVisible();
  await expect.element(preview).toHaveTextContent('2,001 rows');
  (grid.element() as HTMLElement).focus();
  await userEvent.keyboard('{Control>}{End}{/Control}{End}');
  await expect.element(grid.getByRole('gridcell', { name: '2000x300' })).toBeInViewport();
  await expect.element(grid.getByRole('columnheader', { name: 'column 300' })).toBeInViewport();
  await expect.element(preview).toHaveTextContent('column 300, row 2,001');
  expect(grid.element().querySelectorAll('[role=gridcell]').length).toBeLessThan(2_000);
  await expectAccessible('a table');
});

test('an image is shown, and the script of an SVG does not run', async () => {
  await box.write('pic.png', PNG);
  await open('pic.png');
  await expect.element(preview.getByRole('img', { name: 'pic.png' })).toBeVisible();
  await expect.element(preview).toHaveTextContent('1 × 1 pixels');
  await box.write(
    'pic.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><script>parent.pwned = 1; top.pwned = 1</script><rect width="80" height="40" onload="parent.pwned = 1"/></svg>',
  );
  await open('pic.svg');
  await expect.element(preview).toHaveTextContent('80 × 40 pixels');
  expectNothingRan();
  await box.write('fake.png', new TextEncoder().encode('MZ\u0000\u0000 this is a program\u0000'));
  await open('fake.png');
  await expect.element(preview).toHaveTextContent('Binary file');
  await expect.element(page.getByRole('group', { name: 'Bytes' })).toHaveTextContent('4d 5a');
});

test('audio and video play in the browser', async () => {
  await box.write('tone.wav', WAV);
  await open('tone.wav');
  const media = (name: string) => preview.getByLabelText(name).query() as HTMLVideoElement | null;
  await expect.poll(() => media('tone.wav')?.duration).toBeCloseTo(0.5, 1);
  await box.write('film.webm', await recordFilm());
  await open('film.webm');
  await expect.poll(() => media('film.webm')?.videoWidth).toBe(300);
  await box.write('cut.wav', WAV.subarray(0, 20));
  await open('cut.wav');
  // The browser's media processes can be slow on a busy machine.
  await expect.element(page.getByRole('heading', { name: 'The browser cannot play this' })).toBeVisible();
});

/** A WebM of less than a second. */
async function recordFilm(): Promise<Uint8Array> {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm;codecs=vp8' });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  for (let step = 0; step < 20; step += 1) {
    context?.fillRect(step * 4, 0, 4, 40);
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await ended;
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

test('a notebook shows its cells without HTML', async () => {
  await box.write(
    'book.ipynb',
    JSON.stringify({
      nbformat: 4,
      metadata: { language_info: { name: 'python' } },
      cells: [
        { cell_type: 'markdown', source: ['# Findings\n', '<img src=x onerror="window.pwned = 1">'] },
        {
          cell_type: 'code',
          execution_count: 7,
          source: 'import pandas\n',
          outputs: [
            { output_type: 'stream', name: 'stdout', text: ['rows: 20000\n'] },
            { output_type: 'display_data', data: { 'image/png': PNG_BASE64 } },
            { output_type: 'display_data', data: { 'text/html': '<script>window.pwned = 1</script>' } },
            { output_type: 'stream', name: 'stdout', text: 'y'.repeat(3_000_000) },
          ],
        },
      ],
    }),
  );
  await open('book.ipynb');
  const cells = page.getByRole('group', { name: 'Cells' });
  await expect.element(cells.getByRole('heading', { name: 'Findings' })).toBeVisible();
  await expect.element(cells).toHaveTextContent('[7]');
  await expect.element(cells).toHaveTextContent('rows: 20000');
  await expect.element(cells.getByRole('img', { name: 'Cell output' })).toBeVisible();
  await expect.element(cells).toHaveTextContent('Output of type text/html is not shown');
  await expect.element(cells).toHaveTextContent('Showing ');
  expectNothingRan();
  await expectAccessible('a notebook');
});

test('a file of 1 GB has a hex view with offsets', async () => {
  await box.run(
    'truncate -s 1073741824 huge.bin; printf "\\xde\\xad\\xbe\\xef" | dd of=huge.bin bs=1 seek=805306368 conv=notrunc 2>/dev/null',
  );
  await open('huge.bin');
  const bytes = page.getByRole('group', { name: 'Bytes' });
  await expect.element(bytes).toHaveTextContent('00000000');
  await preview.getByRole('textbox', { name: 'Go to offset' }).fill('0x30000000');
  await userEvent.keyboard('{Enter}');
  await expect.element(bytes).toHaveTextContent('de ad be ef');
  (bytes.element() as HTMLElement).focus();
  await userEvent.keyboard('{End}');
  await expect.element(bytes).toHaveTextContent('3ffffff0');
  await userEvent.wheel(bytes, { delta: { y: -60 } });
  await expect.element(bytes).not.toHaveTextContent('3ffffff0');
  await expect.element(bytes).toHaveTextContent('3fffffc0');
  await expectAccessible('bytes');
});

test('a large file needs confirmation', async () => {
  await box.run(`(echo "# A long report"; echo; yes $'some words\\n' | head -c 400000) > long.md`);
  await open('long.md');
  await expect.element(page.getByRole('heading', { name: 'Large file: preview not loaded' })).toBeVisible();
  await expect.element(preview.getByRole('button', { name: 'Download' }).first()).toBeEnabled();
  await expectAccessible('a large file');
  await page.getByRole('button', { name: 'Load preview' }).click();
  await expect.element(page.getByRole('heading', { name: 'A long report' })).toBeVisible();
  await box.run('yes "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]" | head -c 70000000 > much.json');
  await open('much.json');
  await expect
    .element(page.getByRole('button', { name: 'Load preview' }))
    .toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('button', { name: 'Show as text' }).click();
  await expect.element(page.getByRole('region', { name: 'Part of the file' })).toBeVisible();
});

test('a binary file is shown as hex or text', async () => {
  await box.write('core', new TextEncoder().encode('ELF\u0000\u0001hello\u0000'));
  await open('core');
  await expect.element(preview).toHaveTextContent('Binary file');
  await viewButton('Text').click();
  await expect.element(text).toHaveTextContent('ELF␀␁hello␀');
});

test('an unreadable and a missing file show the reason', async () => {
  await box.write('secret.txt', 'secret');
  const removeFault = await box.addFault({
    route: 'GET /files',
    status: 500,
    message: 'open: permission denied',
  });
  await open('secret.txt');
  await expect.element(page.getByRole('heading', { name: 'No permission to read this file' })).toBeVisible();
  await expectAccessible('an unreadable file');
  await removeFault();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect.element(text).toHaveTextContent('secret');
  await open('never-there.txt');
  await expect.element(page.getByRole('main')).toHaveTextContent('Nothing exists at this path');
});

test('a deleted file stays visible, and a pipe is not opened', async () => {
  await box.write('fleeting.txt', 'here for a moment');
  await open('fleeting.txt');
  await expect.element(text).toHaveTextContent('here for a moment');
  await box.run('rm fleeting.txt');
  await expect
    .element(page.getByRole('status').filter({ hasText: 'The file no longer exists.' }))
    .toBeVisible();
  await expect.element(text).toHaveTextContent('here for a moment');
  await box.run('mkfifo fleeting.txt');
  await expect.element(page.getByRole('main')).toHaveTextContent('This is a pipe');
});

test.each([
  ['pause', 'The sandbox is paused.'],
  ['kill', 'The sandbox was terminated.'],
] as const)('the content stays after a %s of the sandbox', async (change, sentence) => {
  const own = await Box.create();
  await own.run('yes "a line of text that goes on for a while" | head -n 700000 > big.log');
  await openPage(own.path('big.log'), { role: 'operator' });
  await expect.element(text).toHaveTextContent('a line of text');
  await moru[change](own.id);
  await expect.element(page.getByRole('status').filter({ hasText: sentence })).toBeVisible();
  await expect.element(text).toHaveTextContent('a line of text');
  const part = page.getByRole('region', { name: 'Part of the file' });
  await expect.element(part.getByRole('button', { name: 'End' })).toHaveAttribute('aria-disabled', 'true');
  await moru.kill(own.id);
});

test('previews are accessible in both themes', async () => {
  await box.write('theme.py', '# a comment\nimport os\nname = "text"\ncount = 42\n');
  await open('theme.py');
  await expect.element(text).toHaveTextContent('import os');
  await preview.getByRole('button', { name: 'Find', exact: true }).click();
  await page.getByRole('textbox', { name: 'Find in this file' }).fill('e');
  await userEvent.keyboard('{Enter}');
  await expectAccessibleInBothThemes('a text');
  await box.write('theme.json', '{"a":[1,true,null,"text"]}');
  await open('theme.json');
  await expect.element(page.getByRole('treeitem').first()).toBeVisible();
  await expectAccessibleInBothThemes('a tree');
  await viewButton('Hex').click();
  await expect.element(page.getByRole('group', { name: 'Bytes' })).toHaveTextContent('7b 22');
  await expectAccessibleInBothThemes('bytes');
});
