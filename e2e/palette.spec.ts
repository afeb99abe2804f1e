import type { Locator } from '@playwright/test';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import { expectRow, openFleet, toast } from './support/vocabulary';

// components/shell/palette/palette.browser.test.tsx tests the palette itself.

function palette(page: Page): Locator {
  return page.getByRole('dialog', { name: 'Commands' });
}

/** Chooses the first command that `text` finds. */
async function choose(page: Page, text: string): Promise<void> {
  const search = palette(page).getByRole('combobox', { name: 'Search commands and sandboxes' });
  // A new page does not handle keys at once.
  await expect(async () => {
    if (!(await palette(page).isVisible())) await page.keyboard.press('Control+k');
    await expect(search).toBeFocused({ timeout: 3_000 });
  }).toPass();
  await search.fill(text);
  await page.keyboard.press('Enter');
  await expect(palette(page)).toHaveCount(0);
}

test('opens pages, acts on a sandbox and signs out by the palette alone', async ({
  page,
  sandkeeper,
  moru,
}) => {
  const id = await moru.create();
  // Its own session: the others are shared with other tests.
  const { operator } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([{ name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url }]);
  await openFleet(page);
  await expectRow(page, id);
  await choose(page, 'access log');
  await expect(page).toHaveURL('/operations/access');
  await choose(page, id);
  await expect(page).toHaveURL(pageOf(id));
  await choose(page, 'pause');
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  expect(await moru.stateOf(id)).toBe('paused');
  await choose(page, 'sign out');
  await expect(page).toHaveURL(/sign-in/);
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
});
