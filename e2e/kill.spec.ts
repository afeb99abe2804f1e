import { expect, test } from './support/fixtures';
import {
  askToKill,
  chooseRowAction,
  expectNoRow,
  expectRow,
  filter,
  killDialog,
  lookAway,
  openFleet,
  row,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

test('kills a sandbox found by its metadata', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { environment: 'development', owner: 'ana' } });
  const other = await moru.create({ metadata: { environment: 'production' } });
  await openFleet(page);
  await expectRow(page, other);
  await filter(page, 'environment=development');
  await expectRow(page, id, 'Running');
  await expectNoRow(page, other);

  const dialog = await askToKill(page, id);
  await expect(dialog).toContainText('Running');
  await expect(dialog).toContainText('base');
  await expect(dialog).toContainText('environment=development');
  await expect(dialog).toContainText('owner=ana');
  await expect(dialog.getByText(/^\d+s$/)).toBeVisible();
  await expect(dialog).toContainText(
    'All processes end, the file system is deleted and the ID becomes invalid. This cannot be undone.',
  );
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();

  await expect(toast(page, `Killed ${id}`)).toBeVisible();
  await expect(dialog).toBeHidden();
  await lookAway(page);
  await expectNoRow(page, id);
  expect(await moru.find(id)).toBeNull();
  expect(await moru.stateOf(other)).toBe('running');
});

test('focuses Cancel first and does not kill on Enter or Escape', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);

  const dialog = await askToKill(page, id);
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();

  await askToKill(page, id);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();

  await askToKill(page, id);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();

  await expectRow(page, id, 'Running');
  expect(await moru.stateOf(id)).toBe('running');
});

test('traps the focus in the dialog and restores it afterwards', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  for (let press = 0; press < 6; press += 1) {
    await page.keyboard.press('Tab');
    await expect(dialog.locator(':focus')).toHaveCount(1);
  }
  await page.keyboard.press('Escape');
  await expect(row(page, id).getByRole('button', { name: `Actions for ${id}` })).toBeFocused();
});

test('ignores clicks outside the dialog', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await page.mouse.click(20, 600);
  await expect(dialog).toBeVisible();
  expect(await moru.stateOf(id)).toBe('running');
});

test('offers to pause instead', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await dialog.getByRole('button', { name: 'Pause instead' }).click();
  await expect(dialog).toBeHidden();
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  await expectRow(page, id, 'Paused');
  expect(await moru.stateOf(id)).toBe('paused');
});

test('kills a paused sandbox without offering to pause it', async ({ page, moru }) => {
  const id = await moru.create();
  await moru.pause(id);
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await expect(dialog).toContainText('Paused');
  await expect(dialog.getByRole('button', { name: 'Pause instead' })).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  await lookAway(page);
  await expectNoRow(page, id);
  expect(await moru.find(id)).toBeNull();
});

test('reports a sandbox that was terminated before the dialog opened', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  await expectRow(page, id);
  // The server does not learn of the kill before the dialog opens.
  await moru.addFault({ route: 'GET /v2/sandboxes', latencyMs: 8_000 });
  await moru.kill(id);
  await chooseRowAction(page, id, 'Kill…');
  const dialog = killDialog(page, id);
  await expect(dialog.getByRole('alert')).toContainText('already terminated');
  await expect(dialog.getByRole('button', { name: 'Kill sandbox' })).toHaveCount(0);
  await expect(dialog.getByRole('button', { name: 'Pause instead' })).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await lookAway(page);
  await expectNoRow(page, id);
});

test('asks for a new confirmation if the sandbox has changed since the reading', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await moru.pause(id);
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  await expect(dialog.getByRole('alert')).toContainText('it was running and is now paused');
  await expect(dialog.getByRole('button', { name: 'Kill sandbox' })).toBeEnabled();
  expect(await moru.stateOf(id)).toBe('paused');
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  await expect(toast(page, `Killed ${id}`)).toBeVisible();
  expect(await moru.find(id)).toBeNull();
});

test('does not show data of the previous sandbox', async ({ page, moru }) => {
  const ana = await moru.create({ metadata: { owner: 'ana' } });
  const bjorn = await moru.create({ metadata: { owner: 'bjorn' } });
  await openFleet(page);
  const first = await askToKill(page, ana);
  await first.getByRole('button', { name: 'Cancel' }).click();
  await moru.addFault({ route: 'GET /sandboxes/*', latencyMs: 6_000 });
  await chooseRowAction(page, bjorn, 'Kill…');
  const second = killDialog(page, bjorn);
  await expect(second.getByRole('button', { name: 'Checking…' })).toBeDisabled();
  await expect(second.getByText('owner=bjorn')).toBeVisible();
  await expect(second.getByText('owner=ana')).toHaveCount(0);
  await second.getByRole('button', { name: 'Cancel' }).click();
  expect(await moru.stateOf(ana)).toBe('running');
});

test('kills once on repeated clicks', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await dialog.getByRole('button', { name: 'Kill sandbox' }).dblclick();
  await expect(toast(page, id)).toHaveText(`Killed ${id}`);
});

test('reports a failure of the service and keeps the sandbox', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  await moru.addFault({ route: 'DELETE /sandboxes/*', status: 403 });
  const dialog = await askToKill(page, id);
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  await expect(toast(page, `Could not kill ${id}`)).toContainText('does not allow');
  await expectRow(page, id, 'Running');
});

test('opens the dialog for the active row with Delete', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  await expectRow(page, id);
  await page.getByRole('grid', { name: 'Sandboxes' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Delete');
  await expect(killDialog(page, id)).toBeVisible();
  await page.keyboard.press('Escape');
  expect(await moru.stateOf(id)).toBe('running');
});
