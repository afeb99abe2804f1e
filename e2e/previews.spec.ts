import { expect, expectNothingRan, HOME, preview, test, text, viewButton } from './support/previews';
import { PDF } from './support/samples';

// What a preview shows is tested in components/files/preview/*.browser.test.tsx.

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test.describe('foreign documents', () => {
  test('an SVG runs no script, in the preview or as a page', async ({ page, box, complaints }) => {
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
  const wrap = preview(page).getByRole('button', { name: 'Wrap' });
  await wrap.click();
  await page.reload();
  await expect(wrap).toHaveAttribute('aria-pressed', 'true');
  await wrap.click();
  await viewButton(page, 'Details').click();
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Owner');
});
