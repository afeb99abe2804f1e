import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { EngineProcess } from './support/deployment';
import { expectFits } from './support/fits';
import { expect, test } from './support/fixtures';
import { Moru } from './support/moru';
import { expectNoRow, expectRow, openFleet } from './support/vocabulary';

// A server of its own: the connections would change what other tests see.
test.use({ settings: { SANDKEEPER_CALL_MS: '14000' } });

test('an admin adds a connection with a test, replaces its key, disables, enables and removes it', async ({
  page,
  moru,
  signIn,
}, testInfo) => {
  const second = new EngineProcess(testInfo.outputPath('engine'), 100);
  await second.start();
  try {
    const [own, others] = [await moru.create(), await new Moru(second).create()];
    const secret = second.apiKey.replace(/^[a-z0-9]+_/, '');
    const dialog = page.getByRole('alertdialog');
    const state = page.getByRole('main');
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    await signIn(page);
    await page.goto('/sandboxes');
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).click();
    await page
      .getByRole('navigation', { name: 'Settings' })
      .getByRole('link', { name: 'Connections' })
      .click();
    const list = page.getByRole('table', { name: 'Connections' });
    await expect(list.getByRole('row', { name: 'Local engine' })).toContainText('SANDKEEPER_ENGINE_KEY');
    await expectAccessibleInBothThemes(page, 'the connections');

    await button('Add connection…').click();
    await dialog.getByLabel('Name').fill('staging');
    await dialog.getByLabel('API address').fill(second.url);
    await dialog.getByLabel('Sandbox address').fill(second.url);
    await dialog.getByLabel('API key').fill('moru_wrong');
    // Enter tests first.
    await page.keyboard.press('Enter');
    await expect(dialog.getByRole('alert')).toContainText('refuses this API key');
    await expect(dialog.getByRole('button', { name: 'Add anyway' })).toBeVisible();
    await dialog.getByLabel('API key').fill(`moru_${secret}`);
    await dialog.getByRole('button', { name: 'Test connection' }).click();
    await expect(dialog.getByRole('status', { name: 'Result of the test' })).toContainText('1 sandbox found');
    await expectAccessibleInBothThemes(page, 'the form with its result');
    await dialog.getByRole('button', { name: 'Add connection' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(list.getByRole('row', { name: 'staging' })).toContainText('Connected');

    await openFleet(page);
    await expectRow(page, own);
    await expectRow(page, others);

    await page.goto('/settings/connections');
    await list.getByRole('link', { name: 'staging' }).click();
    await expect(page.getByRole('heading', { name: 'staging' })).toBeVisible();
    await expectAccessible(page, 'a connection');

    // Two tabs edit it. The second sees what the first saved before it saves its own.
    await button('Edit…').click();
    await dialog.getByLabel('Title', { exact: true }).fill('Mine');
    const other = await page.context().newPage();
    await other.goto('/settings/connections/staging');
    await other.getByRole('button', { name: 'Edit…', exact: true }).click();
    const otherDialog = other.getByRole('alertdialog');
    await otherDialog.getByLabel('Title', { exact: true }).fill('Theirs');
    await otherDialog.getByLabel('Label', { exact: true }).fill('ST');
    await other.keyboard.press('Enter');
    await expect(otherDialog).toHaveCount(0);
    await other.close();
    await page.keyboard.press('Enter');
    const refused = dialog.getByRole('alert');
    await expect(refused).toContainText('changed the title to “Theirs” and the label to “ST”');
    await expectAccessibleInBothThemes(page, 'a form that is based on an older state');
    await refused.getByRole('button', { name: 'Load the present state' }).click();
    await expect(dialog.getByRole('status')).toContainText('Title is now “Theirs”');
    await expect(dialog.getByLabel('Label', { exact: true })).toHaveValue('ST');
    await expect(dialog.getByLabel('Title', { exact: true })).toHaveValue('Mine');
    await dialog.getByLabel('Title', { exact: true }).fill('');
    await button('Save changes').click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole('heading', { name: 'staging' })).toBeVisible();
    await button('Replace key…').click();
    await dialog.getByLabel('New API key').fill('moru_wrong');
    await dialog.getByRole('button', { name: 'Test and replace key' }).click();
    await expect(dialog.getByRole('alert')).toContainText('The key was not replaced.');
    await dialog.getByLabel('New API key').fill(`e2b_${secret}`);
    await page.keyboard.press('Enter');
    await expect(dialog).toHaveCount(0);

    await button('Disable').click();
    await expect(state).toContainText('Disabled');
    await openFleet(page);
    await expectRow(page, own);
    await expectNoRow(page, others);
    await page.goto('/settings/connections/staging');
    await button('Enable').click();
    await expect(state).toContainText('Connected');
    await button('Check again').click();
    await expect(page.getByText('Checked what the service offers')).toBeVisible();

    await page.setViewportSize({ width: 390, height: 844 });
    await expectFits(page, 'a connection on a phone');
    await page.goto('/settings/connections');
    await expectFits(page, 'the connections on a phone');
    await list.getByRole('link', { name: 'staging' }).click();
    await button('Remove…').click();
    await dialog.getByLabel('Type staging to confirm').fill('stagin');
    await expect(dialog.getByRole('button', { name: 'Remove connection' })).toHaveAttribute(
      'aria-disabled',
      'true',
    );
    await page.keyboard.type('g');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/settings/connections');
    await expect(list.getByRole('row', { name: 'staging' })).toHaveCount(0);
    await page.goto('/operations/access');
    for (const text of ['Added', 'Replaced an API key', 'Disabled', 'Enabled', 'Removed'])
      await expect(page.getByRole('table', { name: 'Access' })).toContainText(text);
  } finally {
    await second.stop();
  }
});
