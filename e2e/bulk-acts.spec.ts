import type { Locator, Page } from '@playwright/test';
import { expect, test } from './support/fixtures';
import {
  acceptResume,
  dock,
  expectRow,
  headCheckbox,
  lookAway,
  openFleet,
  rows,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

const MINUTE_MS = 60_000;

function action(page: Page, name: RegExp): Locator {
  return dock(page).getByRole('button', { name });
}

/** Selects all `count` rows of the fleet. */
async function selectAll(page: Page, count: number): Promise<void> {
  await openFleet(page);
  await expect(rows(page)).toHaveCount(count);
  await headCheckbox(page).check();
  await lookAway(page);
}

test('resumes the paused sandboxes with the chosen timeout and timeout action', async ({ page, moru }) => {
  const paused = [await moru.create(), await moru.create()];
  for (const id of paused) await moru.pause(id);
  const running = await moru.create();
  const before = (await moru.find(running))?.endAt;
  await selectAll(page, 3);
  await action(page, /^Resume 2/).click();
  const dialog = page.getByRole('dialog', { name: 'Resume 2 sandboxes' });
  await expect(dialog.getByRole('radio', { name: /^Pause/ })).toBeChecked();
  await expect(dialog).toContainText(/Each will be paused at .+\d:\d\d/);
  await dialog.getByRole('button', { name: '60 min' }).click();
  await dialog.getByRole('radio', { name: /^Kill/ }).check();
  await expect(dialog).toContainText('Each will be killed at');
  const minutes = dialog.getByRole('textbox', { name: /^Minutes from now/ });
  for (const wrong of ['', '0', '1.5', 'ten', '99999']) {
    await minutes.fill(wrong);
    await expect(dialog.getByRole('button', { name: 'Resume 2 sandboxes' })).toBeDisabled();
  }
  await minutes.fill('40');
  await minutes.press('Enter');
  for (const id of paused) {
    await expectRow(page, id, 'Running');
    const leftMs = ((await moru.find(id))?.endAt.getTime() ?? 0) - Date.now();
    expect(leftMs).toBeGreaterThan(38 * MINUTE_MS);
    expect(leftMs).toBeLessThanOrEqual(40 * MINUTE_MS);
  }
  expect((await moru.find(running))?.endAt).toEqual(before);
});

test('resumes on Enter with the default timeout, which pauses the sandbox', async ({ page, moru }) => {
  const id = await moru.create();
  await moru.pause(id);
  await openFleet(page);
  await expectRow(page, id, 'Paused');
  await headCheckbox(page).check();
  await action(page, /^Resume/).click();
  await acceptResume(page);
  const resumed = toast(page, `Resumed ${id}`);
  await expect(resumed).toContainText('For 15 min. Then it is paused.');
});

test('sets the time left of the running sandboxes and reports the skipped ones', async ({ page, moru }) => {
  const running = [await moru.create(), await moru.create()];
  const paused = await moru.create();
  await moru.pause(paused);
  await selectAll(page, 3);
  await action(page, /^Set time left of 2/).click();
  const dialog = page.getByRole('dialog', { name: /^Set time left of/ });
  const changes = dialog.getByRole('region', { name: 'Changes of the time left' });
  await dialog.getByRole('button', { name: '60 min' }).click();
  await expect(changes.getByRole('listitem').first()).toContainText('+50 min');
  // One sandbox has changed since the dialog opened.
  await moru.pause(running[0] ?? '');
  await expect(page.getByRole('row', { name: running[0] ?? '', includeHidden: true })).toContainText(
    'Paused',
  );
  await dialog.getByRole('button', { name: 'Set time left of 2' }).click();
  await expect(dialog.getByRole('alert')).toContainText('1 instead of 2 would be changed');
  await expect(dialog).toContainText('1 skipped: paused, without a deadline.');
  await dialog.getByRole('button', { name: 'Set time left of 1' }).click();
  await expectRow(page, running[1] ?? '', '59m');
});

test('closes the dock after a pause that the filter hides, and offers to resume exactly those', async ({
  page,
  moru,
}) => {
  const ids = [await moru.create(), await moru.create(), await moru.create()];
  await openFleet(page, '?q=state:running');
  await expect(rows(page)).toHaveCount(3);
  await headCheckbox(page).check();
  await action(page, /^Pause 3/).click();
  await lookAway(page);
  await expect(dock(page)).toHaveCount(0);
  await expect(page.getByRole('grid', { name: 'Sandboxes' })).toBeFocused();
  await expect(rows(page)).toHaveCount(0);
  await expect(toast(page, 'Paused 3 sandboxes')).toBeVisible();
  const other = await moru.create();
  await moru.pause(other);
  await page.getByRole('button', { name: 'Resume these 3' }).click();
  for (const id of ids) await expectRow(page, id, 'Running');
  expect(await moru.stateOf(other)).toBe('paused');
});

test('reports why several sandboxes could not be paused', async ({ page, moru, sandkeeper }) => {
  await moru.createMany(2, () => ({}));
  await selectAll(page, 2);
  await sandkeeper.engine.stop();
  await action(page, /^Pause 2/).click();
  await expect(toast(page, 'Could not pause 2 sandboxes')).toContainText('cannot be reached');
});
