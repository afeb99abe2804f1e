import { expect, numbered, preview, test, text, viewButton } from './support/previews';

// Files of usual sizes are tested in components/files/preview/text.browser.test.tsx.

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test.describe('text', () => {
  test('of 1,300,000 lines is read in ranges for its end, a line and a search @long', async ({
    page,
    box,
  }) => {
    const lines = 1_300_000;
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

  test('with a line of 15 MB keeps the page responsive @long', async ({ page, box }) => {
    await box.run('head -c 15000000 /dev/zero | tr "\\0" x > line.txt');
    await box.open(page, 'line.txt');
    await expect(preview(page)).toContainText('1 line', { timeout: 30_000 });
    await viewButton(page, 'Hex').click();
    await expect(page.getByRole('group', { name: 'Bytes' })).toContainText('78 78 78');
  });

  for (const [name, bytes, seen] of [
    ['blank.txt', 70_000_000, 'Scroll to load more'],
    ['blank.log', 15_000_000, '7,500,000 lines'],
  ] as const) {
    test(`of ${bytes / 1_000_000} MB of nearly empty lines keeps the page responsive @long`, async ({
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
      await expect(preview(page)).toContainText(/Line (?:7,500,001|unknown), column 1/);
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
