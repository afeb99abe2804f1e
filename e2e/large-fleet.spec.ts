import { expect, test } from './support/fixtures';
import { askToKill, expectNoRow, filter, lookAway, openFleet, row, rows } from './support/vocabulary';

const MANY = 10_000;
/** The server reads a hundred pages. */
const CRAWLED_WITHIN_MS = 40_000;

test('ten thousand sandboxes: scrolls, filters, sorts, kills one and shows a new one @long', async ({
  page,
  moru,
  signIn,
}) => {
  test.slow();
  await moru.createMany(MANY, (index) => ({
    environment: ['development', 'staging', 'production'][index % 3] ?? '',
    run: `run-${index}`,
  }));
  await signIn(page);
  await openFleet(page);
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  await expect(grid).toHaveAttribute('aria-rowcount', String(MANY + 1), { timeout: CRAWLED_WITHIN_MS });
  await expect(page.getByRole('banner')).toContainText(`${MANY} running`);
  expect(await rows(page).count()).toBeLessThan(100);

  await grid.focus();
  await page.keyboard.press('End');
  await expect(page.locator(`[aria-rowindex="${MANY + 1}"]`)).toBeVisible();
  await page.keyboard.press('Home');
  await expect(page.locator('[aria-rowindex="2"]')).toBeVisible();
  await grid.evaluate((element) => element.scrollTo({ top: element.scrollHeight / 2 }));
  await expect(page.locator(`[aria-rowindex="${MANY / 2}"]`)).toBeVisible();

  await filter(page, 'environment=staging');
  await expect(page.getByText(`3333 of ${MANY}`)).toBeVisible();
  await filter(page, 'run=run-4321');
  await expect(page.getByText(`1 of ${MANY}`)).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  const id = (await rows(page).getByRole('link').innerText()).trim();
  const dialog = await askToKill(page, id);
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  await lookAway(page);
  await expectNoRow(page, id);
  expect(await moru.find(id)).toBeNull();

  const newcomer = await moru.create({ metadata: { environment: 'newcomer' } });
  await filter(page, 'environment=newcomer');
  await expect(row(page, newcomer)).toBeVisible({ timeout: CRAWLED_WITHIN_MS });
  await filter(page, '');
  await page.getByRole('columnheader', { name: 'Sandbox', exact: true }).getByRole('button').click();
  await expect(page).toHaveURL(/sort=id/);
  await expect(grid).toHaveAttribute('aria-rowcount', String(MANY + 1));
});
