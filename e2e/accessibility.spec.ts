import { expectAccessibleInBothThemes } from './support/accessible';
import { expect, test } from './support/fixtures';
import {
  askToKill,
  checkboxOf,
  dock,
  expectRow,
  filter,
  filterBox,
  headCheckbox,
  openFleet,
  openRowMenu,
} from './support/vocabulary';

test('sign-in', async ({ page }) => {
  await page.goto('/sign-in');
  await expectAccessibleInBothThemes(page, 'the form');
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'not valid' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the form with its error');
});

test('the empty fleet and the dialog for a new sandbox', async ({ page, signIn }) => {
  await signIn(page);
  await openFleet(page);
  await expect(page.getByRole('heading', { name: 'No sandboxes yet' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the empty fleet');
  await page.getByRole('button', { name: 'New sandbox' }).click();
  const dialog = page.getByRole('dialog', { name: 'New sandbox' });
  await dialog.getByLabel('Metadata').fill('nonsense');
  await expectAccessibleInBothThemes(page, 'the dialog with an error');
});

test('the fleet, its menus and dialogs', async ({ page, signIn, moru, sandkeeper }) => {
  const id = await moru.create({ metadata: { owner: 'ana', environment: 'development' } });
  const paused = await moru.create({ metadata: { owner: 'bjorn' } });
  await moru.pause(paused);
  await signIn(page);
  await openFleet(page);
  await expectRow(page, paused, 'Paused');
  await expectAccessibleInBothThemes(page, 'the fleet');

  await openRowMenu(page, id);
  await expectAccessibleInBothThemes(page, 'the menu of a row');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expectAccessibleInBothThemes(page, 'the account menu');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Columns' }).click();
  await expect(page.getByRole('checkbox', { name: 'Size' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the column chooser');
  await page.keyboard.press('Escape');

  await filterBox(page).click();
  await filterBox(page).fill('owner=ana age>');
  await expectAccessibleInBothThemes(page, 'suggestions and a filter error');
  await filterBox(page).fill('nothing-has-this ');
  await page.keyboard.press('Escape');
  await expect(page.getByText('No sandboxes match this filter.')).toBeVisible();
  await expectAccessibleInBothThemes(page, 'a filter that nothing passes');
  await page.getByRole('button', { name: 'Clear filter' }).first().click();

  await askToKill(page, id);
  await expectAccessibleInBothThemes(page, 'the kill dialog');
  await page.keyboard.press('Escape');

  await sandkeeper.engine.stop();
  await expect(page.getByRole('status').filter({ hasText: 'What you see is' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the stale fleet');
});

test('the fleet with a selection', async ({ page, signIn, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana', protected: 'true' } });
  const paused = await moru.create({ metadata: { owner: 'bjorn' } });
  const other = await moru.create({ metadata: { owner: 'chidi' } });
  await moru.pause(paused);
  await signIn(page);
  await openFleet(page);
  await expectRow(page, paused, 'Paused');
  await expectRow(page, other);
  for (const selected of [id, paused]) await checkboxOf(page, selected).click();
  await expect(dock(page)).toContainText('2 selected');
  await expectAccessibleInBothThemes(page, 'some selected, one of them protected and one active');
  await headCheckbox(page).click();
  await filter(page, 'owner=ana');
  await expect(dock(page)).toContainText('2 more hidden by the filter');
  await dock(page).getByRole('button', { name: 'Resume' }).focus();
  await expectAccessibleInBothThemes(page, 'some hidden by the filter, and the reason why not to resume');
  await page.setViewportSize({ width: 700, height: 600 });
  await expectAccessibleInBothThemes(page, 'a narrow window');
});

test('the dialogs of acts on many', async ({ page, signIn, moru }) => {
  await moru.createMany(9, (at) => ({
    environment: 'development',
    team: at % 2 === 0 ? 'agents' : 'evals',
    ...(at === 8 ? { protected: 'true' } : {}),
  }));
  const [paused = ''] = await moru.listIds();
  await moru.pause(paused);
  await signIn(page);
  await openFleet(page);
  await expectRow(page, paused, 'Paused');
  await headCheckbox(page).check();
  const act = (name: RegExp) => dock(page).getByRole('button', { name });
  await act(/^Kill/).click();
  const kill = page.getByRole('alertdialog', { name: /^Kill / });
  await expect(kill.getByRole('textbox', { name: /^Type / })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the plan of a kill');
  await kill.getByRole('checkbox', { name: 'Stop processes first' }).check();
  await kill.getByRole('textbox', { name: /^Seconds/ }).fill('0');
  await kill.getByText('1 protected by').click();
  await expectAccessibleInBothThemes(page, 'the plan of a kill with an error and who is left alone');
  await page.keyboard.press('Escape');
  await act(/^Resume/).click();
  await expect(page.getByRole('dialog', { name: /^Resume / })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the question of a resume');
  await page.keyboard.press('Escape');
  await act(/^Set time left/).click();
  await expect(page.getByRole('dialog', { name: 'Set time left of 8 sandboxes' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the question of the time left');
});

test('one sandbox, a terminated one and an unknown one', async ({ page, signIn, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await signIn(page);
  await page.goto(`/sandboxes/${id}`);
  await expect(page.getByRole('button', { name: 'Kill…' })).toBeEnabled();
  await expectAccessibleInBothThemes(page, 'a sandbox');
  await moru.kill(id);
  await expect(page.getByRole('main')).toContainText('Terminated at');
  await expectAccessibleInBothThemes(page, 'a terminated sandbox');
  await page.goto('/sandboxes/i00000000000000000000');
  await expect(page.getByRole('heading', { name: 'Sandbox not found' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'an unknown sandbox');
});
