import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { expect, test } from './support/fixtures';
import { Colleague } from './support/operations';
import { openFleet, row } from './support/vocabulary';

/** The document and its landmarks. Component tests check what is in them, in both themes. */

test('sign-in', async ({ page }) => {
  await page.goto('/sign-in');
  await expectAccessibleInBothThemes(page, 'the form');
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'not valid' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the form with its error');
});

test('the fleet, a sandbox, the operations and an unknown page', async ({
  page,
  signIn,
  moru,
  sandkeeper,
  sessions,
}) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await signIn(page);
  await openFleet(page);
  await expect(row(page, id)).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the fleet');
  await row(page, id).getByRole('link', { name: id }).click();
  await expect(page.getByRole('button', { name: 'Kill…' })).toBeEnabled();
  await expectAccessible(page, 'a sandbox');
  const operationId = await new Colleague(sandkeeper, sessions.operator).pause([id]);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  await page.getByRole('link', { name: `Pause ${id}` }).click();
  await expect(page).toHaveURL(`/operations/${operationId}`);
  await expect(page.getByRole('table', { name: 'Sandboxes of this operation' })).toContainText(id);
  await expectAccessible(page, 'an operation');
  await page.goto('/nowhere/at/all');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expectAccessible(page, 'an unknown page');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  await expect(page).toHaveURL('/operations');
  await expectAccessible(page, 'the operations');
});
