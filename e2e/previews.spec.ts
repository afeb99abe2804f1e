import type { Locator } from '@playwright/test';
import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { test as base, expect, type Page } from './support/fixtures';
import { Moru } from './support/moru';
import { PDF, PNG, WAV } from './support/samples';

const HOME = '/home/user';

/** `box`: a running sandbox shared by the tests of a worker, each with its own files. */
const test = base.extend<object, { box: Box }>({
  box: [
    async ({ sandkeeper }, use) => {
      const moru = new Moru(sandkeeper.engine);
      await use(new Box(moru, await moru.create({ timeoutMs: 3_600_000 })));
    },
    { scope: 'worker' },
  ],
  // The shared sandbox stays; only faults are cleared.
  tidied: async ({ moru }, use) => {
    await use(undefined);
    await moru.clearFaults();
  },
});

class Box {
  constructor(
    readonly moru: Moru,
    readonly id: string,
  ) {}

  async run(script: string): Promise<void> {
    await (await this.moru.handle(this.id)).commands.run(`cd ~; ${script}`, { timeoutMs: 60_000 });
  }

  async write(name: string, content: string | Buffer): Promise<void> {
    const data = typeof content === 'string' ? content : new Uint8Array(content).buffer;
    await (await this.moru.handle(this.id)).files.write(`${HOME}/${name}`, data);
  }

  async open(page: Page, name: string, more: Record<string, string> = {}): Promise<void> {
    const search = new URLSearchParams({ file: `${HOME}/${name}`, ...more });
    await page.goto(`/sandboxes/${this.id}/files?${search}`);
  }
}

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

const preview = (page: Page) => page.getByRole('region', { name: 'Preview' });
const text = (page: Page) => preview(page).getByRole('textbox', { name: /^Text of / });
const viewButton = (page: Page, name: string) =>
  preview(page).getByRole('group', { name: 'Show as' }).getByRole('button', { name });
const changed = (page: Page) => page.getByRole('status').filter({ hasText: 'The file has changed.' });

/** The gutter number of a line. */
function numbered(page: Page, line: number): Locator {
  return preview(page)
    .locator('.cm-gutterElement')
    .filter({ hasText: new RegExp(`^${line}$`) });
}

/** Every hostile sample tries to set `pwned`. */
async function expectNothingRan(page: Page): Promise<void> {
  expect(await page.evaluate(() => Object.hasOwn(window, 'pwned'))).toBe(false);
}

test.describe('text', () => {
  test('has highlighting, search and line navigation', async ({ page, box }) => {
    const lines = Array.from({ length: 400 }, (_, n) => `value_${n + 1} = compute(${n + 1})`);
    await box.write('judge.py', `import asyncio\n${lines.join('\n')}\n`);
    await box.open(page, 'judge.py');
    await expect(text(page)).toContainText('import asyncio');
    const colourOf = (word: string) =>
      text(page)
        .getByText(word, { exact: true })
        .first()
        .evaluate((element) => getComputedStyle(element).color);
    const plain = await text(page).evaluate((element) => getComputedStyle(element).color);
    await expect.poll(() => colourOf('import')).not.toBe(plain);
    await expect(preview(page)).toContainText('401 lines');
    await expect(preview(page)).toContainText('UTF-8');
    await expect(preview(page)).toContainText('Python');

    await text(page).click();
    await page.keyboard.press('Control+f');
    await page.getByRole('textbox', { name: 'Find in this file' }).fill('COMPUTE(300)');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('search').getByRole('status')).toHaveText('1 of 1');
    await expect(text(page).getByText('value_300')).toBeInViewport();
    await page.getByRole('button', { name: 'Match case' }).click();
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page.getByRole('search').getByRole('status')).toHaveText('Not found');
    await page.keyboard.press('Escape');

    await preview(page).getByRole('button', { name: 'Go to line' }).click();
    await page.getByRole('textbox', { name: 'Go to line' }).fill('12');
    await page.keyboard.press('Enter');
    await expect(text(page).getByText('value_11 = compute(11)', { exact: true })).toBeInViewport();
    await expect(page).toHaveURL(/line=12/);
    await expect(preview(page)).toContainText('Line 12, column 1');
    await numbered(page, 15).click();
    await expect(page).toHaveURL(/line=15/);
  });

  for (const [lines, tag] of [
    // More than is loaded as a whole.
    [600_000, ''],
    [1_300_000, ' @long'],
  ] as const) {
    test(`of ${lines} lines is read in ranges for its end, a line and a search${tag}`, async ({
      page,
      box,
    }) => {
      await box.run(
        `yes "a line of text that goes on for a while" | head -n ${lines} > big.log; echo THE-VERY-END >> big.log`,
      );
      let readBytes = 0;
      page.on('response', (answer) => {
        if (answer.url().includes('/files/content'))
          readBytes += Number(answer.headers()['content-length'] ?? 0);
      });
      await box.open(page, 'big.log');
      await expect(text(page)).toContainText('a line of text');
      const part = page.getByRole('region', { name: 'Part of the file' });
      await part.getByRole('button', { name: 'End' }).click();
      await expect(text(page).getByText('THE-VERY-END')).toBeInViewport();
      await expect(part).toContainText('Line numbers are unknown');
      // The middle has not been read.
      expect(readBytes).toBeLessThan(6 * 1024 * 1024);

      await part.getByRole('button', { name: 'Start' }).click();
      await expect(numbered(page, 1)).toBeInViewport();
      await preview(page).getByRole('button', { name: 'Find', exact: true }).click();
      await page.getByRole('textbox', { name: 'Find in this file' }).fill('the-very-end');
      await page.keyboard.press('Enter');
      await expect(text(page).getByText('THE-VERY-END')).toBeInViewport();
      // The search read the whole file, so line numbers are known.
      await expect(numbered(page, lines + 1)).toBeInViewport();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+g');
      await page.getByRole('textbox', { name: 'Go to line' }).fill(String(lines / 2));
      await page.keyboard.press('Enter');
      await expect(numbered(page, lines / 2)).toBeInViewport();
      // Distant pieces are unloaded.
      const held = await preview(page)
        .locator('.cm-scroller')
        .evaluate((element) => element.scrollHeight / 20);
      expect(held).toBeLessThan(200_000);
    });
  }

  test('shows invisible characters, wraps lines and names the encoding', async ({ page, box }) => {
    await box.write('bidi.txt', 'access = "user\u202E \u2066// admin\u2069"\n\u001b[31mred\u0000\n');
    await box.open(page, 'bidi.txt', { view: 'text' });
    await expect(text(page)).toContainText('[RLO]');
    await expect(text(page)).toContainText('␛[31mred␀');
    await box.write('wide.txt', Buffer.from(`\uFEFF${'größe '.repeat(400)}`, 'utf16le'));
    await box.open(page, 'wide.txt');
    await expect(text(page)).toContainText('größe größe');
    await expect(preview(page)).toContainText('UTF-16 LE');
    const width = () =>
      preview(page)
        .locator('.cm-scroller')
        .evaluate((element) => element.scrollWidth - element.clientWidth);
    expect(await width()).toBeGreaterThan(1_000);
    await preview(page).getByRole('button', { name: 'Wrap' }).click();
    await expect.poll(width).toBeLessThan(2);
    await page.reload();
    await expect(preview(page).getByRole('button', { name: 'Wrap' })).toHaveAttribute('aria-pressed', 'true');
    await preview(page).getByRole('button', { name: 'Wrap' }).click();
  });

  for (const [bytes, tag] of [
    [3_000_000, ''],
    [15_000_000, ' @long'],
  ] as const) {
    test(`with a line of ${bytes / 1_000_000} MB keeps the page responsive${tag}`, async ({ page, box }) => {
      await box.run(`head -c ${bytes} /dev/zero | tr "\\0" x > line.txt`);
      await box.open(page, 'line.txt');
      await expect(preview(page)).toContainText('1 line', { timeout: 30_000 });
      await viewButton(page, 'Hex').click();
      await expect(page.getByRole('group', { name: 'Bytes' })).toContainText('78 78 78');
    });
  }

  for (const [name, bytes, seen, tag] of [
    ['blank.txt', 70_000_000, 'Scroll to load more', ' @long'],
    ['blank.log', 15_000_000, '7,500,000 lines', ' @long'],
    ['short.log', 3_000_000, '1,500,000 lines', ''],
  ] as const) {
    test(`of ${bytes / 1_000_000} MB of nearly empty lines keeps the page responsive${tag}`, async ({
      page,
      box,
    }) => {
      await box.run(`yes " " | head -c ${bytes} > ${name}`);
      await box.open(page, name);
      await expect(numbered(page, 1)).toBeInViewport();
      // Only lines near the viewport are drawn.
      expect(await text(page).locator('.cm-line').count()).toBeLessThan(500);
      await preview(page).getByRole('button', { name: 'Find', exact: true }).click({ timeout: 5_000 });
      await expect(page.getByRole('textbox', { name: 'Find in this file' })).toBeFocused({ timeout: 5_000 });
      await expect(preview(page)).toContainText(seen, { timeout: 60_000 });
      await text(page).click({ timeout: 5_000 });
      await page.keyboard.press('Control+End');
      await expect(preview(page)).toContainText(/Line (?:[17],500,001|unknown), column 1/);
      expect(await text(page).locator('.cm-line').count()).toBeLessThan(500);
    });
  }

  test('of nearly empty lines scrolls piece by piece @long', async ({ page, box }) => {
    await box.run('yes " " | head -c 30000000 > pieces.log');
    await box.open(page, 'pieces.log');
    await expect(numbered(page, 1)).toBeInViewport();
    const part = page.getByRole('region', { name: 'Part of the file' });
    const scroller = preview(page).locator('.cm-scroller');
    // Waits until the lines are measured.
    await expect
      .poll(() => scroller.evaluate((element) => element.scrollHeight))
      .toBeGreaterThan(262_144 * 20);
    for (const piece of [1, 2, 3]) {
      await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await expect(part).toContainText(`to ${(piece + 1) / 2} MB of`);
      // New text is appended below, and none is skipped.
      await expect
        .poll(() => scroller.evaluate((at) => at.scrollHeight - at.scrollTop - at.clientHeight))
        .toBeGreaterThan(500_000);
      const last = async () =>
        Number((await preview(page).locator('.cm-gutterElement').allTextContents()).at(-1));
      await expect.poll(async () => Math.abs((await last()) - piece * 262_144)).toBeLessThan(500);
    }
  });

  test('loads out of view and shows when there is room @long', async ({ page, box }) => {
    await box.run('(seq 1 200000; yes " " | head -n 4000000) > unseen.log');
    const { width, height } = page.viewportSize() ?? { width: 1280, height: 720 };
    await page.setViewportSize({ width, height: 90 });
    await box.open(page, 'unseen.log');
    await expect(preview(page)).toContainText('4,200,000 lines', { timeout: 60_000 });
    expect(await text(page).locator('.cm-line').count()).toBeLessThan(500);
    await page.setViewportSize({ width, height });
    await expect(numbered(page, 20)).toBeInViewport();
    await expect(text(page).getByText('20', { exact: true })).toBeInViewport();
  });
});

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
    await expect(page.getByRole('main')).toContainText('There is nothing at this path');
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

test.describe('a changing file', () => {
  const numbers = (count: number, word = 'line') =>
    `${Array.from({ length: count }, (_, n) => `${word} ${n + 1}`).join('\n')}\n`;

  test('grows without moving and is followed at its end', async ({ page, box }) => {
    await box.write('grow.log', numbers(300));
    await box.open(page, 'grow.log', { line: '150' });
    await expect(text(page).getByText('line 150', { exact: true })).toBeInViewport();
    const place = () => text(page).getByText('line 150', { exact: true }).boundingBox();
    const before = await place();
    await box.run('for n in $(seq 301 320); do echo "line $n"; done >> grow.log');
    await expect(preview(page)).toContainText('320 lines');
    expect((await place())?.y).toBe(before?.y);
    await expect(changed(page)).toHaveCount(0);

    await text(page).click();
    await page.keyboard.press('Control+End');
    await expect(text(page).getByText('line 320', { exact: true })).toBeInViewport();
    await box.run('for n in $(seq 321 400); do echo "line $n"; done >> grow.log');
    await expect(text(page).getByText('line 400', { exact: true })).toBeInViewport();
  });

  test('updates at once unless the visible text would move', async ({ page, box }) => {
    await box.write('edit.txt', numbers(300));
    await box.open(page, 'edit.txt', { line: '200' });
    await expect(text(page).getByText('line 200', { exact: true })).toBeInViewport();
    const place = () => text(page).getByText('line 200', { exact: true }).boundingBox();
    const before = await place();
    // Above the visible part.
    await box.run(`sed -i 's/^line 10$/a new line 10/' edit.txt`);
    await box.run(`sed -i '1i a first line' edit.txt`);
    await expect(preview(page)).toContainText('301 lines');
    await expect(numbered(page, 201)).toBeInViewport();
    expect(Math.abs(((await place())?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
    // Everything changes.
    await box.write('edit.txt', numbers(300, 'other'));
    await expect(changed(page)).toBeVisible();
    await expect(text(page).getByText('line 200', { exact: true })).toBeInViewport();
    await changed(page).getByRole('button', { name: 'Show latest' }).click();
    await expect(text(page)).toContainText('other');
    await expect(changed(page)).toHaveCount(0);
  });

  test('a table updates at its top, but not once scrolled', async ({ page, box }) => {
    await box.write('live.csv', `a,b\n${Array.from({ length: 500 }, (_, n) => `${n},x`).join('\n')}\n`);
    await box.open(page, 'live.csv');
    await expect(preview(page)).toContainText('500 rows');
    await box.run('echo 500,x >> live.csv');
    await expect(preview(page)).toContainText('501 rows');
    const grid = page.getByRole('grid', { name: 'Table' });
    await grid.focus();
    await page.keyboard.press('PageDown');
    await page.keyboard.press('PageDown');
    await box.run('echo 501,x >> live.csv');
    await expect(changed(page)).toBeVisible();
    await changed(page).getByRole('button', { name: 'Show latest' }).click();
    await expect(preview(page)).toContainText('502 rows');
  });
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
