import { expect, type Page, test } from './support/fixtures';
import {
  dock,
  expectNoRow,
  expectRow,
  filter,
  filterBox,
  headCheckbox,
  idsInOrder,
  lookAway,
  openFleet,
  row,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

const suggestion = (page: Page, text: string) => page.getByRole('option', { name: text });

test('matches a value as a prefix while it is typed and exactly once it is finished', async ({
  page,
  moru,
}) => {
  const dev = await moru.create({ metadata: { environment: 'development' } });
  const staging = await moru.create({ metadata: { environment: 'staging' } });
  await openFleet(page);
  await expectRow(page, staging);
  await filterBox(page).pressSequentially('environment=dev');
  await expect.poll(() => idsInOrder(page)).toEqual([dev]);
  await page.keyboard.press('Enter');
  await expect(page.getByText('No sandboxes match this filter.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Remove environment=dev' })).toBeVisible();
});

test('a space turns a term into a chip; Backspace puts it back into the input', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await filterBox(page).pressSequentially('owner=anb state:running ');
  await expectNoRow(page, id);
  await expect(page.getByRole('button', { name: 'Remove owner=anb' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Remove state:running' })).toBeVisible();
  await expect(filterBox(page)).toHaveValue('');

  await page.getByRole('button', { name: 'Remove state:running' }).click();
  await filterBox(page).press('Backspace');
  await expect(filterBox(page)).toHaveValue('owner=anb');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('a');
  await expectRow(page, id);
  await expect(page).toHaveURL(/q=owner%3Dana|q=owner=ana/);
});

test('suggests values from the data and continues after a choice', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { environment: 'development', owner: 'ana maria' } });
  const other = await moru.create({ metadata: { environment: 'production' } });
  await openFleet(page);
  await expectRow(page, other);
  await filterBox(page).click();
  await expect(suggestion(page, 'environment=')).toContainText('2');
  await filterBox(page).pressSequentially('env');
  await suggestion(page, 'environment=').first().click();
  await expect(filterBox(page)).toHaveValue('environment=');
  await expect(filterBox(page)).toBeFocused();
  await suggestion(page, 'environment=development').click();
  await expect(page.getByRole('button', { name: 'Remove environment=development' })).toBeVisible();
  await expectNoRow(page, other);
  await expectRow(page, id);

  // By keyboard, with quotes where necessary.
  await filterBox(page).pressSequentially('own');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(filterBox(page)).toHaveValue('owner=');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Remove owner="ana maria"' })).toBeVisible();
  await expectRow(page, id);
});

test('an unfinished term leaves the finished ones in force, without bulk actions', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  const other = await moru.create({ metadata: { owner: 'bjorn', kind: 'age' } });
  await openFleet(page);
  await filter(page, 'owner=ana ');
  await headCheckbox(page).check();
  const kill = dock(page).getByRole('button', { name: /^Kill/ });
  await expect(kill).not.toHaveAttribute('aria-disabled', 'true');
  await filterBox(page).pressSequentially('age>');
  const error = page.getByRole('alert').filter({ hasText: 'age' });
  await expect(error).toContainText('age> needs a duration such as 2h or 30m');
  await expect(filterBox(page)).toHaveAttribute('aria-invalid', 'true');
  await expect(filterBox(page)).toHaveAccessibleDescription(/does not filter yet/);
  await expectRow(page, id);
  await expectNoRow(page, other);
  await expect(headCheckbox(page)).toBeDisabled();
  await expect(kill).toHaveAttribute('aria-disabled', 'true');
  await expect(kill).toHaveAccessibleDescription(/Correct the filter first/);

  await filterBox(page).fill('age>2');
  await expect(page.getByRole('alert').filter({ hasText: '2 needs a unit' })).toBeVisible();
  await expectRow(page, id);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Delete');
  await expect(toast(page, 'Nothing was killed')).toContainText('Correct the filter first');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('kill');
  await expect(page.getByRole('option', { name: /^Kill 1 sandbox/ })).toHaveAttribute(
    'aria-disabled',
    'true',
  );
  await page.keyboard.press('Escape');

  await filterBox(page).fill('run="pr');
  await expect(page.getByRole('alert').filter({ hasText: 'This quote is not closed' })).toBeVisible();
  await filterBox(page).fill('');
  await expect(filterBox(page)).toHaveAttribute('aria-invalid', 'false');
  await expect(kill).not.toHaveAttribute('aria-disabled', 'true');
  await expectNoRow(page, other);
});

test('a wrong term from a link shows no rows and says why', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { environment: 'development' } });
  await openFleet(page, `?q=${encodeURIComponent('age>abc environment=development')}`);
  await expect(page.getByRole('alert').filter({ hasText: 'abc is not a duration' })).toBeVisible();
  await expect(page.getByText('No sandboxes are shown, because a term')).toBeVisible();
  await expect(page.getByText('0 of 1')).toBeVisible();
  await expectNoRow(page, id);
  await expect(headCheckbox(page)).toBeDisabled();
  await filterBox(page).fill('age>0s environment=development');
  await expectRow(page, id);
  await expect(headCheckbox(page)).toBeEnabled();
});

test('a click on a facet toggles its term; a click on metadata adds its term', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { environment: 'development', owner: 'ana' } });
  const other = await moru.create({ metadata: { environment: 'production', owner: 'ana' } });
  await moru.pause(other);
  await openFleet(page);
  await expectRow(page, other, 'Paused');
  const facets = page.getByRole('group', { name: 'Quick filters' });
  const running = facets.getByRole('button', { name: 'running' });
  await expect(running).toContainText('1');
  await running.click();
  await expect(running).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('button', { name: 'Remove state:running' })).toBeVisible();
  await expectNoRow(page, other);
  await running.click();
  await expectRow(page, other);

  await facets.getByRole('button', { name: 'development' }).click();
  await expect(page.getByRole('button', { name: 'Remove environment=development' })).toBeVisible();
  await expectNoRow(page, other);
  await page.getByRole('button', { name: 'Clear filter' }).click();

  await row(page, other).getByTitle('Filter by environment=production').click();
  await lookAway(page);
  await expect(page.getByRole('button', { name: 'Remove environment=production' })).toBeVisible();
  await expectNoRow(page, id);
  await facets.getByRole('button', { name: 'paused' }).click();
  await expect(page).toHaveURL(/state:paused|state%3Apaused/);
  await expectRow(page, other);

  await filter(page, 'age>2h');
  await expect(page.getByText('No sandboxes match this filter.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filter' }).last().click();
  await expectRow(page, id);

  await openFleet(page, '?q=environment%3Dproduction');
  await expectNoRow(page, id);
  await page.getByRole('link', { name: 'Sandkeeper' }).click();
  await expectRow(page, id);
  await page.goBack();
  await expectNoRow(page, id);
  await expectRow(page, other);
  await expect(page.getByRole('button', { name: 'Remove environment=production' })).toBeVisible();
});

test('changes of the fleet do not disturb typing', async ({ page, moru }) => {
  await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await filterBox(page).pressSequentially('owner=');
  const newcomer = await moru.create({ metadata: { owner: 'ana' } });
  await expect(suggestion(page, 'owner=ana')).toContainText('2');
  await filterBox(page).pressSequentially('ana');
  await expect(filterBox(page)).toHaveValue('owner=ana');
  await expect(filterBox(page)).toBeFocused();
  await expectRow(page, newcomer);
});
