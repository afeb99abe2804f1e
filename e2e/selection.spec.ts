import { expect, test } from './support/fixtures';
import { pageOf } from './support/local';
import { checkboxOf, dock, expectNoRow, lookAway, openFleet, rows } from './support/vocabulary';

test('keeps filter, order, scroll position and selection on the way to a sandbox and back', async ({
  page,
  moru,
  signIn,
}) => {
  await signIn(page);
  await page.setViewportSize({ width: 1280, height: 360 });
  const ids = (await moru.createAll(Array.from({ length: 30 }, () => ({ owner: 'ana' })))).sort();
  await openFleet(page, '?q=owner%3Dana&sort=id');
  await expect(rows(page).first()).toBeVisible();
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  const [first = '', second = ''] = ids.slice(4);
  for (const id of [first, second]) await checkboxOf(page, id).click();
  await lookAway(page);
  await grid.evaluate((element) => element.scrollTo(0, 120));
  // A click by the pointer would scroll the row out from under the dock first.
  const openSecond = () => page.getByRole('link', { name: second }).dispatchEvent('click');
  for (const way of ['Breadcrumb', 'Main']) {
    await openSecond();
    await expect(page).toHaveURL(/\/sandboxes\/i/);
    await page.getByRole('navigation', { name: way }).getByRole('link', { name: 'Sandboxes' }).click();
    await expect(page).toHaveURL(/\/sandboxes\?q=owner(=|%3D)ana&sort=id$/);
    await expect(page.getByRole('button', { name: 'Remove owner=ana' })).toBeVisible();
    await expect(dock(page)).toContainText('2 selected');
    await expect.poll(() => grid.evaluate((element) => element.scrollTop)).toBe(120);
  }

  // A sandbox that is gone meanwhile leaves the selection.
  await openSecond();
  await expect(page).toHaveURL(pageOf(second));
  await moru.kill(second);
  await expect(page.getByRole('main')).toContainText('Terminated');
  await page.goBack();
  await expectNoRow(page, second);
  await expect(dock(page)).toContainText('1 selected');
  await expect(checkboxOf(page, first)).toBeChecked();
});
