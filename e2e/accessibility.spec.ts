import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from './support/fixtures';
import { askToKill, expectRow, filterBox, openFleet, openRowMenu } from './support/vocabulary';

async function expectAccessible(page: Page, what: string): Promise<void> {
  // While a page is replaced it has no title for a moment.
  await expect(page).toHaveTitle(/Sandkeeper/);
  // Colours on their way into a dialog are nobody's to read.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const findings = serious.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.html).join(' ')})`,
  );
  expect(findings, what).toEqual([]);
}

for (const theme of ['light', 'dark'] as const) {
  test.describe(`in the ${theme} theme`, () => {
    test.use({ colorScheme: theme, reducedMotion: 'reduce' });

    test('sign-in', async ({ page }) => {
      await page.goto('/sign-in');
      await expectAccessible(page, 'the form');
      await page.getByLabel('Token').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByRole('alert').filter({ hasText: 'not valid' })).toBeVisible();
      await expectAccessible(page, 'the form with its error');
    });

    test('the empty fleet and the dialog for a new sandbox', async ({ page, signIn }) => {
      await signIn(page);
      await openFleet(page);
      await expect(page.getByRole('heading', { name: 'No sandboxes yet' })).toBeVisible();
      await expectAccessible(page, 'the empty fleet');
      await page.getByRole('button', { name: 'New sandbox' }).click();
      const dialog = page.getByRole('dialog', { name: 'New sandbox' });
      await dialog.getByLabel('Metadata').fill('nonsense');
      await expectAccessible(page, 'the dialog with an error');
    });

    test('the fleet, its menus and dialogs', async ({ page, signIn, moru, house }) => {
      const id = await moru.create({ metadata: { owner: 'ana', environment: 'development' } });
      const paused = await moru.create({ metadata: { owner: 'bjorn' } });
      await moru.pause(paused);
      await signIn(page);
      await openFleet(page);
      await expectRow(page, paused, 'Paused');
      await expectAccessible(page, 'the fleet');

      await openRowMenu(page, id);
      await expectAccessible(page, 'the menu of a row');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Account and theme' }).click();
      await expectAccessible(page, 'the account menu');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Columns' }).click();
      await expect(page.getByRole('checkbox', { name: 'Size' })).toBeVisible();
      await expectAccessible(page, 'the column chooser');
      await page.keyboard.press('Escape');

      await filterBox(page).click();
      await filterBox(page).fill('owner=ana age>');
      await expectAccessible(page, 'suggestions and a filter error');
      await filterBox(page).fill('nothing-has-this ');
      await page.keyboard.press('Escape');
      await expect(page.getByText('No sandbox passes this filter.')).toBeVisible();
      await expectAccessible(page, 'a filter that nothing passes');
      await page.getByRole('button', { name: 'Clear the filter' }).first().click();

      await askToKill(page, id);
      await expectAccessible(page, 'the kill dialog');
      await page.keyboard.press('Escape');

      await house.engine.stop();
      await expect(page.getByRole('status').filter({ hasText: 'What you see is' })).toBeVisible();
      await expectAccessible(page, 'the stale fleet');
    });

    test('one sandbox, a terminated one and an unknown one', async ({ page, signIn, moru }) => {
      const id = await moru.create({ metadata: { owner: 'ana' } });
      await signIn(page);
      await page.goto(`/sandboxes/${id}`);
      await expect(page.getByRole('button', { name: 'Kill…' })).toBeEnabled();
      await expectAccessible(page, 'a sandbox');
      await moru.kill(id);
      await expect(page.getByRole('main')).toContainText('Terminated at');
      await expectAccessible(page, 'a terminated sandbox');
      await page.goto('/sandboxes/i00000000000000000000');
      await expect(page.getByRole('heading', { name: 'There is no sandbox with this id' })).toBeVisible();
      await expectAccessible(page, 'an unknown sandbox');
    });
  });
}
