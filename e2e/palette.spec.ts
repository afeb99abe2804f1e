import type { Locator } from '@playwright/test';
import { expectAccessibleInBothThemes } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import {
  checkboxOf,
  expectRow,
  filter,
  filterBox,
  headCheckbox,
  openFleet,
  rows,
  toast,
} from './support/vocabulary';

function palette(page: Page): Locator {
  return page.getByRole('dialog', { name: 'Commands' });
}

function search(page: Page): Locator {
  return palette(page).getByRole('combobox', { name: 'Search commands and sandboxes' });
}

function command(page: Page, name: string | RegExp): Locator {
  return palette(page).getByRole('option', { name });
}

async function openPalette(page: Page, text = ''): Promise<void> {
  // A new page does not handle keys at once.
  await expect(async () => {
    if (!(await palette(page).isVisible())) await page.keyboard.press('Control+k');
    await expect(search(page)).toBeFocused({ timeout: 3_000 });
  }).toPass();
  await search(page).fill(text);
}

test('opens and closes by keyboard and by button, and restores the focus', async ({ page, signIn }) => {
  await signIn(page);
  await openFleet(page);
  const button = page.getByRole('button', { name: 'Commands' });
  await button.click();
  await expect(search(page)).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(palette(page)).toHaveCount(0);
  await expect(button).toBeFocused();
  await page.keyboard.press('Control+k');
  await expect(search(page)).toBeFocused();
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
});

test('finds a sandbox by id and by metadata, and opens it', async ({ page, signIn, moru }) => {
  const ana = await moru.create({ metadata: { owner: 'ana', note: '<b>bold</b>' } });
  const marek = await moru.create({ metadata: { owner: 'marek' } });
  await signIn(page);
  await openFleet(page);
  await expectRow(page, ana);
  await openPalette(page, 'owner ana');
  await expect(palette(page).getByRole('option')).toHaveText([
    new RegExp(`${ana}.*owner=ana.*<b>bold</b>`),
    'Filter sandboxes by owner ana',
  ]);
  await search(page).fill(marek.slice(0, 8));
  await expect(palette(page).getByRole('option').first()).toContainText(marek);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`/sandboxes/${marek}`);
  await openPalette(page, 'nobody mentions this anywhere');
  await expect(command(page, 'Filter sandboxes by nobody mentions')).toBeVisible();
});

test('opens pages, filters the fleet and changes the theme', async ({ page, signIn, moru }) => {
  const paused = await moru.create();
  await moru.create();
  await moru.pause(paused);
  await signIn(page);
  await openFleet(page, '?q=template%3Abase');
  await expect(rows(page)).toHaveCount(2);
  await openPalette(page, 'paused');
  await page.keyboard.press('Enter');
  await expect(rows(page)).toHaveCount(1);
  await expectRow(page, paused, 'Paused');
  await expect(page).toHaveURL(/q=template(:|%3A)base(\+|%20)state(:|%3A)paused/);

  await openPalette(page, 'dark');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expect(page.getByRole('menuitem', { name: 'Dark theme ✓' })).toBeVisible();
  await page.keyboard.press('Escape');

  await openPalette(page, 'operations');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/operations');
  await expect(page.getByRole('link', { name: 'Operations' }).first()).toHaveAttribute(
    'aria-current',
    'page',
  );
  await openPalette(page);
  await expect(command(page, 'Go to Sandboxes')).toBeVisible();
  await expect(command(page, 'Go to Operations')).toHaveCount(0);
  await search(page).fill('less than 10 min');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/sandboxes\?q=left/);
  await expect(filterBox(page)).toBeVisible();
});

test('offers the actions on the selection', async ({ page, signIn, moru }) => {
  const development = { environment: 'development' };
  const ids = [];
  for (let count = 0; count < 3; count += 1) ids.push(await moru.create({ metadata: development }));
  const paused = await moru.create({ metadata: development });
  await moru.pause(paused);
  await moru.create();
  await signIn(page);
  await openFleet(page);
  await openPalette(page, 'kill');
  await expect(command(page, /^Kill/)).toHaveCount(0);
  await page.keyboard.press('Escape');
  await filter(page, 'environment=development');
  await expect(rows(page)).toHaveCount(4);
  await headCheckbox(page).check();

  await openPalette(page);
  await expect(palette(page).getByRole('option', { name: /\d sandbox(es)?…?$/ })).toHaveText([
    'Run in 3 sandboxes…',
    'Set time left of 3 sandboxes…',
    'Resume 1 sandbox…',
    'Pause 3 sandboxes',
    'Kill 4 sandboxes…',
  ]);
  await search(page).fill('kill 4');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('alertdialog', { name: 'Kill 4 sandboxes' });
  await expect(dialog).toBeVisible();
  // The palette does not open over a dialog.
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  await openPalette(page, 'pause 3');
  await page.keyboard.press('Enter');
  for (const id of ids) await expect.poll(() => moru.stateOf(id)).toBe('paused');
  // It updates while it is open.
  await openPalette(page, 'pause');
  await expect(command(page, /^Pause/)).toContainText('No selected sandbox is running.');
  await expect(command(page, /^Pause/)).toHaveAttribute('aria-disabled', 'true');
  await page.keyboard.press('Escape');
  await checkboxOf(page, paused).click();
  await openPalette(page, 'kill');
  await expect(command(page, 'Kill 3 sandboxes…')).toBeVisible();
});

test('offers the actions on the open sandbox, with reasons for unavailable ones', async ({
  page,
  signIn,
  moru,
}) => {
  const id = await moru.create();
  await signIn(page, 'operator');
  await page.goto(`/sandboxes/${id}`);
  await expect(page.getByRole('button', { name: 'Pause' })).toBeEnabled();
  await openPalette(page, 'kill');
  await expect(command(page, /^Kill…/)).toContainText('Requires the admin role.');
  await command(page, /^Kill…/).click({ force: true });
  await expect(palette(page)).toBeVisible();
  await search(page).fill('pause');
  await page.keyboard.press('Enter');
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  expect(await moru.stateOf(id)).toBe('paused');
});

test('? lists the keyboard shortcuts, except in an input', async ({ page, signIn, moru }) => {
  const id = await moru.create();
  await signIn(page);
  await openFleet(page);
  await expectRow(page, id);
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await filterBox(page).pressSequentially('?');
  await expect(filterBox(page)).toHaveValue('?');
  await expect(keys).toHaveCount(0);
  await page.getByRole('button', { name: 'Columns' }).focus();
  await page.keyboard.press('?');
  await expect(keys).toContainText('Select all matching');
  await page.keyboard.press('Escape');
  await expect(keys).toHaveCount(0);
  await openPalette(page, 'keyboard');
  await page.keyboard.press('Enter');
  await expect(keys).toBeVisible();
});

test('signs out, and does not exist on the sign-in page', async ({ page, sandkeeper }) => {
  // Its own session: the others are shared with other tests.
  const { viewer } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([{ name: sandkeeper.sessionCookieName, value: viewer, url: sandkeeper.url }]);
  await openFleet(page);
  await openPalette(page, 'sign out');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/sign-in/);
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toHaveCount(0);
});

test('is accessible in both themes', async ({ page, signIn, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await signIn(page, 'viewer');
  await openFleet(page);
  await expectRow(page, id);
  const check = (what: string) => expectAccessibleInBothThemes(page, what, { isStrict: true });
  await openPalette(page);
  await check('all commands');
  await search(page).fill('ana');
  await expect(command(page, new RegExp(id))).toBeVisible();
  await check('sandboxes among them');
  await page.keyboard.press('Escape');
  await page.goto(`/sandboxes/${id}`);
  await openPalette(page);
  await expect(command(page, /^Pause/)).toContainText('Requires the');
  await check('commands that cannot be given');
  await page.keyboard.press('Escape');
  await expect(palette(page)).toHaveCount(0);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await check('the keys');
});
