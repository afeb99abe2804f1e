import { expectAccessible } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';

const rows = (page: Page) =>
  page
    .getByRole('table', { name: 'Access' })
    .getByRole('row')
    .filter({ has: page.getByRole('cell') });

test('lists who accessed which sandbox and keeps the filters in the URL', async ({ page, moru, signIn }) => {
  await signIn(page, 'viewer');
  await page.goto('/operations');
  await page.getByRole('navigation', { name: 'Records' }).getByRole('link', { name: 'Access' }).click();
  await expect(page).toHaveURL(/\/operations\/access$/);
  await expect(page.getByRole('heading', { name: 'No access yet' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Access' })).toHaveAttribute('aria-current', 'page');
  await expectAccessible(page, 'the empty audit log');

  const ids = [await moru.create(), await moru.create()] as const;
  for (const [at, role] of (['operator', 'admin'] as const).entries()) {
    await moru.pause(ids[at] ?? '');
    await signIn(page, role);
    await page.goto(`${pageOf(ids[at] ?? '')}/files`);
    await page.getByRole('button', { name: 'Wake sandbox' }).click();
    await page.getByRole('button', { name: 'Pause now' }).click();
    await expect(page.getByRole('button', { name: 'Wake sandbox' })).toBeEnabled();
  }

  await signIn(page, 'viewer');
  await page.goto('/operations/access');
  await expect(rows(page)).toHaveCount(4);
  await expect(rows(page).first()).toContainText('Paused again');
  await expect(rows(page).last()).toContainText('Woke sandbox');

  await page.getByLabel('Person').selectOption('operator');
  await expect(page).toHaveURL(/by=operator/);
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).first()).toContainText(ids[0]);
  await page.getByLabel('Action').selectOption('Woke sandbox');
  await expect(rows(page)).toHaveCount(1);
  await page.goBack();
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByLabel('Action')).toHaveValue('');

  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(rows(page)).toHaveCount(4);
  await page.getByLabel('Sandbox ID').fill(ids[1]);
  await page.keyboard.press('Enter');
  await expect(rows(page)).toHaveCount(2);
  await page.getByLabel('Time').selectOption('Last hour');
  await expect(page).toHaveURL(/within=1h/);
  await expect(rows(page)).toHaveCount(2);
  await page.getByLabel('Person').selectOption('operator');
  await expect(page.getByText('No entries match these filters.')).toBeVisible();
  await page.getByRole('button', { name: 'Show all entries' }).click();
  await expect(rows(page)).toHaveCount(4);
  await expectAccessible(page, 'the audit log');

  await rows(page).first().getByRole('link', { name: ids[1] }).click();
  await expect(page).toHaveURL(pageOf(ids[1]));
});
