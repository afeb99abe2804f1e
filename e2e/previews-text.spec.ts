import { changed, expect, numbered, preview, test, text, viewButton } from './support/previews';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

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

  test('stays text and is followed at its end when it is cut', async ({ page, box }) => {
    const cut = page.getByRole('status').filter({ hasText: 'The file was cut.' });
    await box.run('seq -f "line %g" 60000 > cut.log');
    await box.open(page, 'cut.log');
    await expect(preview(page)).toContainText('60,000 lines');
    await text(page).click();
    await page.keyboard.press('Control+End');
    await expect(text(page).getByText('line 60000', { exact: true })).toBeInViewport();
    // A program that goes on writing at its old place leaves a hole.
    const leaveHole = 'size=$(stat -c %s cut.log); : > cut.log; truncate -s $size cut.log';
    await box.run(`${leaveHole}; echo late 1 >> cut.log`);
    await expect(cut).toBeVisible();
    await expect(text(page)).toHaveText(/^\[zero bytes\]late 1$/);
    await box.run('seq -f "late %g" 2 400 >> cut.log');
    await expect(text(page).getByText('late 400', { exact: true })).toBeInViewport();
    await cut.getByRole('button', { name: 'Dismiss' }).click();
    await expect(cut).toHaveCount(0);

    await box.run(': > cut.log');
    await expect(cut).toBeVisible();
    await expect(preview(page)).toContainText('This file is empty.');
    await box.run('seq -f "again %g" 400 >> cut.log');
    await expect(text(page).getByText('again 400', { exact: true })).toBeInViewport();
    await expect(viewButton(page, 'Text')).toHaveAttribute('aria-pressed', 'true');
    await expect(changed(page)).toHaveCount(0);
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
