import { expect, test } from './support/fixtures';
import { cookieOf } from './support/http';
import { expectNoRow, expectRow, NEWS_WITHIN_MS, openFleet, row, timeOf } from './support/vocabulary';

test('shows within two seconds in every tab what the SDK creates, pauses, resumes and kills', async ({
  page,
  moru,
  context,
  signIn,
}) => {
  await signIn(page);
  await moru.create();
  await openFleet(page);
  const other = await context.newPage();
  await openFleet(other);
  const id = await moru.create({ metadata: { owner: 'ana' } });
  const tookMs = [await timeOf(() => expect(row(page, id)).toContainText('Running'))];
  await expect(row(page, id)).toContainText('owner=ana');
  await moru.pause(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toContainText('Paused')));
  await expectRow(other, id, 'Paused');
  await moru.connect(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toContainText('Running')));
  await moru.kill(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toHaveCount(0)));
  await expectNoRow(other, id);
  // A busy machine may delay any of them, but hardly all.
  expect(Math.min(...tookMs)).toBeLessThan(NEWS_WITHIN_MS);
});

test('works without JavaScript', async ({ browser, sandkeeper, sessions, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  const context = await browser.newContext({
    javaScriptEnabled: false,
    extraHTTPHeaders: cookieOf(sandkeeper, sessions.viewer),
  });
  const page = await context.newPage();
  await expect(async () => {
    await page.goto(`${sandkeeper.url}/sandboxes`);
    // A page without scripts stays as it was served: if the row is not there now, it will be on the next one.
    await expect(row(page, id)).toContainText('owner=ana', { timeout: 500 });
  }).toPass();
  await context.close();
});
