import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { Box, expect, expectNothingRan, HOME, preview, test, text, viewButton } from './support/previews';
import { PDF, PNG, WAV } from './support/samples';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test.describe('structured files and media', () => {
  test('Markdown renders without running, loading or navigating', async ({ page, box, sandkeeper }) => {
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(sandkeeper.url)) foreign.push(request.url());
    });
    await box.write(
      'README.md',
      [
        '# The report',
        '<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1">',
        '![pixel](https://tracker.example/p.png)',
        '[docs](https://docs.example/a?b=1) and [evil](javascript:window.pwned=1)',
        '| name | score |\n| --- | --- |\n| ana | 7 |',
        '- [x] done\n- [ ] open',
      ].join('\n\n'),
    );
    await box.open(page, 'README.md');
    const rendered = page.getByRole('document', { name: 'Rendered text' });
    await expect(rendered.getByRole('heading', { name: 'The report' })).toBeVisible();
    await expect(rendered.getByRole('cell', { name: 'ana' })).toBeVisible();
    await expect(rendered.getByRole('checkbox').first()).toBeChecked();
    await expect(rendered).toContainText('Image: pixel (not loaded)');
    await expect(rendered.getByRole('link')).toHaveText(['docs']);
    await rendered.getByRole('link', { name: 'docs' }).click();
    await expect(page.getByRole('status').filter({ hasText: 'This link leads to' })).toContainText(
      'https://docs.example/a?b=1',
    );
    const openLink = page.getByRole('link', { name: 'Open in a new tab' });
    await expect(openLink).toHaveAttribute('rel', 'noopener noreferrer');
    await expectNothingRan(page);
    await expectAccessible(page, 'rendered Markdown');
    await viewButton(page, 'Text').click();
    await expect(text(page)).toContainText('<script>window.pwned');
    await expect(page).toHaveURL(/view=text/);
    expect(foreign).toEqual([]);
  });

  test('JSON is a tree with every digit, and invalid JSON shows the error', async ({ page, box }) => {
    const many = Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`).join(',');
    await box.write('data.json', `{"big":12345678901234567890,"odd\\u202e":null,"many":[${many}]}`);
    await box.open(page, 'data.json');
    const tree = page.getByRole('tree', { name: 'JSON' });
    await expect(tree.getByRole('treeitem', { name: 'big: 12345678901234567890' })).toBeVisible();
    await expect(tree.getByRole('treeitem', { name: 'odd[RLO]: null' })).toBeVisible();
    await tree.getByRole('treeitem', { name: 'many: [ 20,000 elements ]' }).click();
    await page.keyboard.press('End');
    await expect(tree.getByRole('treeitem', { name: '19999: { 1 key }' })).toBeInViewport();
    expect(await tree.getByRole('treeitem').count()).toBeLessThan(150);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await expect(preview(page)).toContainText('$.many[19999].n');
    await expectAccessible(page, 'a JSON tree');

    await box.write('broken.json', `{\n  "a": 1,\n  "b" 2\n}\n`);
    await box.open(page, 'broken.json');
    await expect(preview(page)).toContainText('Invalid JSON in line 3, column 7: expected “:”.');
    await expect(text(page)).toContainText('"b" 2');
    await box.run(
      `head -c 100000 /dev/zero | tr '\\0' '[' > deep.json; head -c 100000 /dev/zero | tr '\\0' ']' >> deep.json`,
    );
    await box.open(page, 'deep.json');
    await expect(tree.getByRole('treeitem').first()).toBeVisible();
    await box.write('log.jsonl', '{"step":1}\n{"step":2}\n');
    await box.open(page, 'log.jsonl');
    await expect(tree.getByRole('treeitem', { name: 'step: 2' })).toBeVisible();
  });

  test('a table scrolls both ways under its header', async ({ page, box }) => {
    const head = Array.from({ length: 300 }, (_, n) => `column ${n + 1}`).join(',');
    const row = (n: number) => Array.from({ length: 300 }, (_, at) => `${n}x${at + 1}`).join(',');
    const rows = Array.from({ length: 2_000 }, (_, n) => row(n + 1));
    await box.write(
      'table.csv',
      `${head}\n"said ""hi"", left",${row(0).replace(/^0x1,/, '')}\n${rows.join('\n')}\n`,
    );
    await box.open(page, 'table.csv');
    const grid = page.getByRole('grid', { name: 'Table' });
    await expect(grid.getByRole('columnheader', { name: 'column 1', exact: true })).toBeVisible();
    await expect(grid.getByRole('gridcell', { name: 'said "hi", left' })).toBeVisible();
    await expect(preview(page)).toContainText('2,001 rows');
    await grid.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('End');
    await expect(grid.getByRole('gridcell', { name: '2000x300' })).toBeInViewport();
    await expect(grid.getByRole('columnheader', { name: 'column 300' })).toBeInViewport();
    await expect(preview(page)).toContainText('column 300, row 2,001');
    expect(await grid.getByRole('gridcell').count()).toBeLessThan(2_000);
    await expectAccessible(page, 'a table');
  });

  test('an image, and an SVG whose script does not run', async ({ page, box, complaints }) => {
    await box.write('pic.png', PNG);
    await box.open(page, 'pic.png');
    await expect(preview(page).getByRole('img', { name: 'pic.png' })).toBeVisible();
    await expect(preview(page)).toContainText('1 × 1 pixels');
    await box.write(
      'pic.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><script>parent.pwned = 1; top.pwned = 1</script><rect width="80" height="40" onload="parent.pwned = 1"/></svg>',
    );
    await box.open(page, 'pic.svg');
    await expect(preview(page)).toContainText('80 × 40 pixels');
    await expectNothingRan(page);
    // Opened as a page, it does not run either.
    const src = await preview(page).getByRole('img', { name: 'pic.svg' }).getAttribute('src');
    await page.goto(src ?? '');
    await expectNothingRan(page);
    // The browser reports that it blocked the script.
    expect(complaints.join()).toContain('Blocked script execution');
    complaints.length = 0;
    await box.write('fake.png', Buffer.from('MZ\u0000\u0000 this is a program\u0000', 'latin1'));
    await box.open(page, 'fake.png');
    await expect(preview(page)).toContainText('Binary file');
    await expect(page.getByRole('group', { name: 'Bytes' })).toContainText('4d 5a');
  });

  test('a PDF has a frame for our origin only', async ({ page, box }) => {
    await box.write('paper.pdf', PDF);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('as=pdf')),
      box.open(page, 'paper.pdf'),
    ]);
    expect(answer.status()).toBe(200);
    expect(answer.headers()).toMatchObject({
      'content-type': 'application/pdf',
      'x-frame-options': 'SAMEORIGIN',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("frame-ancestors 'self'"),
    });
    await expect(preview(page).getByTitle('Document paper.pdf')).toBeVisible();
  });

  test('audio and video play in the browser', async ({ page, box }) => {
    await box.write('tone.wav', WAV);
    await box.open(page, 'tone.wav');
    const audio = preview(page).getByLabel('tone.wav');
    await expect
      .poll(() => audio.evaluate((element) => (element as HTMLAudioElement).duration))
      .toBeCloseTo(0.5, 1);
    const film = await page.evaluate(async () => {
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
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
      recorder.stop();
      await ended;
      return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
    });
    await box.write('film.webm', Buffer.from(film));
    await box.open(page, 'film.webm');
    const video = preview(page).getByLabel('film.webm');
    await expect.poll(() => video.evaluate((element) => (element as HTMLVideoElement).videoWidth)).toBe(300);
    await box.write('cut.wav', WAV.subarray(0, 20));
    await box.open(page, 'cut.wav');
    // The browser's media processes can be slow on a busy machine.
    await expect(page.getByRole('heading', { name: 'The browser cannot play this' })).toBeVisible({
      timeout: 45_000,
    });
  });

  test('a notebook shows its cells without HTML', async ({ page, box }) => {
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
              { output_type: 'display_data', data: { 'image/png': PNG.toString('base64') } },
              { output_type: 'display_data', data: { 'text/html': '<script>window.pwned = 1</script>' } },
              { output_type: 'stream', name: 'stdout', text: 'y'.repeat(3_000_000) },
            ],
          },
        ],
      }),
    );
    await box.open(page, 'book.ipynb');
    const cells = page.getByRole('group', { name: 'Cells' });
    await expect(cells.getByRole('heading', { name: 'Findings' })).toBeVisible();
    await expect(cells).toContainText('[7]');
    await expect(cells).toContainText('rows: 20000');
    await expect(cells.getByRole('img', { name: 'Cell output' })).toBeVisible();
    await expect(cells).toContainText('Output of type text/html is not shown');
    await expect(cells).toContainText('Showing ');
    await expectNothingRan(page);
    await expectAccessible(page, 'a notebook');
  });

  test('a file of 1 GB has a hex view with offsets', async ({ page, box }) => {
    await box.run(
      'truncate -s 1073741824 huge.bin; printf "\\xde\\xad\\xbe\\xef" | dd of=huge.bin bs=1 seek=805306368 conv=notrunc 2>/dev/null',
    );
    await box.open(page, 'huge.bin');
    const bytes = page.getByRole('group', { name: 'Bytes' });
    await expect(bytes).toContainText('00000000');
    await preview(page).getByRole('textbox', { name: 'Go to offset' }).fill('0x30000000');
    await page.keyboard.press('Enter');
    await expect(bytes).toContainText('de ad be ef');
    await bytes.focus();
    await page.keyboard.press('End');
    await expect(bytes).toContainText('3ffffff0');
    await bytes.hover();
    await page.mouse.wheel(0, -60);
    await expect(bytes).not.toContainText('3ffffff0');
    await expect(bytes).toContainText('3fffffc0');
    await expectAccessible(page, 'bytes');
  });
});

test.describe('files without an immediate preview', () => {
  test('a large file needs confirmation', async ({ page, box }) => {
    await box.run(`(echo "# A long report"; echo; yes $'some words\\n' | head -c 400000) > long.md`);
    await box.open(page, 'long.md');
    await expect(page.getByRole('heading', { name: 'Large file: preview not loaded' })).toBeVisible();
    await expect(preview(page).getByRole('button', { name: 'Download' }).first()).toBeEnabled();
    await expectAccessible(page, 'a large file');
    await page.getByRole('button', { name: 'Load preview' }).click();
    await expect(page.getByRole('heading', { name: 'A long report' })).toBeVisible();
    await box.run('yes "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]" | head -c 70000000 > much.json');
    await box.open(page, 'much.json');
    await expect(page.getByRole('button', { name: 'Load preview' })).toBeDisabled();
    await page.getByRole('button', { name: 'Show as text' }).click();
    await expect(page.getByRole('region', { name: 'Part of the file' })).toBeVisible();
  });

  test('a binary file is shown as hex or text', async ({ page, box }) => {
    await box.write('core', Buffer.from('ELF\u0000\u0001hello\u0000', 'latin1'));
    await box.open(page, 'core');
    await expect(preview(page)).toContainText('Binary file');
    await viewButton(page, 'Text').click();
    await expect(text(page)).toContainText('ELF␀␁hello␀');
  });

  test('an unreadable and a missing file show the reason', async ({ page, box }) => {
    await box.write('secret.txt', 'secret');
    await box.moru.addFault({ route: 'GET /files', status: 500, message: 'open: permission denied' });
    await box.open(page, 'secret.txt');
    await expect(page.getByRole('heading', { name: 'No permission to read this file' })).toBeVisible();
    await expectAccessible(page, 'an unreadable file');
    await box.moru.clearFaults();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(text(page)).toContainText('secret');
    await box.open(page, 'never-there.txt');
    await expect(page.getByRole('main')).toContainText('Nothing exists at this path');
  });

  test('a deleted file stays visible, and a pipe is not opened', async ({ page, box }) => {
    await box.write('fleeting.txt', 'here for a moment');
    await box.open(page, 'fleeting.txt');
    await expect(text(page)).toContainText('here for a moment');
    await box.run('rm fleeting.txt');
    await expect(page.getByRole('status').filter({ hasText: 'The file no longer exists.' })).toBeVisible();
    await expect(text(page)).toContainText('here for a moment');
    await box.run('mkfifo fleeting.txt');
    await expect(page.getByRole('main')).toContainText('This is a pipe');
  });

  for (const [how, sentence] of [
    ['pause', 'The sandbox is paused.'],
    ['kill', 'This sandbox is terminated'],
  ] as const) {
    test(`the content stays after a ${how} of the sandbox`, async ({ page, moru }) => {
      const own = new Box(moru, await moru.create());
      await own.run('yes "a line of text that goes on for a while" | head -n 700000 > big.log');
      await own.open(page, 'big.log');
      await expect(text(page)).toContainText('a line of text');
      await moru[how](own.id);
      await expect(page.getByRole('status').filter({ hasText: sentence })).toBeVisible();
      await expect(text(page)).toContainText('a line of text');
      const part = page.getByRole('region', { name: 'Part of the file' });
      await expect(part.getByRole('button', { name: 'End' })).toBeDisabled();
      await moru.kill(own.id);
    });
  }
});

test('the actions of a file work from its preview', async ({ page, box, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await box.write('take me.txt', 'along');
  await box.open(page, 'take me.txt');
  await expect(text(page)).toContainText('along');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    preview(page).getByRole('button', { name: 'Download' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('take me.txt');
  await preview(page).getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Copy Python download code' }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toContain('sandbox.files.read(');
  await preview(page).getByRole('button', { name: 'Copy path' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(`${HOME}/take me.txt`);
  await viewButton(page, 'Details').click();
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Owner');
});

test('previews are accessible in both themes', async ({ page, box }) => {
  await box.write('theme.py', '# a comment\nimport os\nname = "text"\ncount = 42\n');
  await box.open(page, 'theme.py');
  await expect(text(page)).toContainText('import os');
  await preview(page).getByRole('button', { name: 'Find', exact: true }).click();
  await page.getByRole('textbox', { name: 'Find in this file' }).fill('e');
  await page.keyboard.press('Enter');
  await expectAccessibleInBothThemes(page, 'a text');
  await box.write('theme.json', '{"a":[1,true,null,"text"]}');
  await box.open(page, 'theme.json');
  await expect(page.getByRole('treeitem').first()).toBeVisible();
  await expectAccessibleInBothThemes(page, 'a tree');
  await viewButton(page, 'Hex').click();
  await expect(page.getByRole('group', { name: 'Bytes' })).toContainText('7b 22');
  await expectAccessibleInBothThemes(page, 'bytes');
});
