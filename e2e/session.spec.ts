import type { BrowserContext } from '@playwright/test';
import { serverAction, serverActions } from './support/actions';
import type { Sandkeeper } from './support/deployment';
import { expect, type Page, test } from './support/fixtures';
import { callAction } from './support/http';
import { pageOf } from './support/local';
import { chooseRowAction, expectNoRow, openFleet, toast } from './support/vocabulary';

const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Sign in to continue' });

/** Ends the session of the tabs elsewhere, as its expiry or another browser does. */
async function endSession(context: BrowserContext, sandkeeper: Sandkeeper): Promise<void> {
  const cookies = await context.cookies(sandkeeper.url);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  await callAction(sandkeeper, serverAction('signOut'), {
    path: '/sandboxes',
    args: [],
    headers: { cookie },
  });
}

async function signInWith(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('a session that ends loses nothing: the person signs in over the page, in every tab', async ({
  page,
  context,
  sandkeeper,
  moru,
}) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  // A link without a session leads to its page after the sign-in.
  const path = `${pageOf(id)}/files?path=%2Fetc`;
  await page.goto(path);
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in?next=${encodeURIComponent(path)}`);
  await signInWith(page, sandkeeper.signInToken);
  await expect(page).toHaveURL(`${sandkeeper.url}${path}`);
  await expect(page.getByRole('row', { name: 'hostname' })).toBeVisible();

  const fleet = await context.newPage();
  await openFleet(fleet, '?q=owner%3Dana');
  await chooseRowAction(fleet, id, 'Kill…');
  const kill = fleet.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
  const reason = kill.getByLabel(/^Reason/);
  await reason.fill('too old to keep');
  await expect(kill.getByRole('button', { name: 'Kill sandbox' })).toBeEnabled();

  await endSession(context, sandkeeper);
  await expect(dialogOf(fleet)).toBeVisible();
  await expect(dialogOf(page)).toBeVisible();
  await fleet.keyboard.press('Escape');
  await fleet.keyboard.press('Escape');
  await signInWith(fleet, 'not-the-token');
  await expect(dialogOf(fleet)).toContainText('not valid');
  await signInWith(fleet, sandkeeper.signInToken);
  await expect(dialogOf(fleet)).toHaveCount(0);
  await expect(dialogOf(page)).toHaveCount(0);

  await expect(page).toHaveURL(`${sandkeeper.url}${path}`);
  await expect(page.getByRole('row', { name: 'hostname' })).toBeVisible();
  await expect(reason).toHaveValue('too old to keep');
  await expect(fleet).toHaveURL(/q=owner/);
  // The plan belongs to the session that has ended.
  const again = kill.getByRole('button', { name: /^(Check again|Kill sandbox)$/ });
  await again.click();
  await kill.getByRole('button', { name: 'Kill sandbox' }).click();
  await expectNoRow(fleet, id);
  expect(await moru.stateOf(id)).toBe('not found');
});

test('a page that is older than the server says so and calls a refusal a refusal', async ({
  page,
  signIn,
  moru,
  complaints,
}) => {
  await signIn(page);
  const id = await moru.create();
  // The page comes from another build: other actions, other code.
  const ids = serverActions().map(({ id: known }) => known);
  let isCodeGone = false;
  await page.route('**/_next/static/chunks/*.js', async (route) => {
    if (isCodeGone) return route.fulfill({ status: 404 });
    const response = await route.fetch();
    let text = await response.text();
    for (const known of ids)
      text = text.replaceAll(known, `${known.slice(0, 2)}${known.slice(2).split('').reverse().join('')}`);
    await route.fulfill({ response, body: text });
  });
  await page.route(/\/sandboxes(\?q=[^&]*)?$/, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/(\\"build\\":\\")[^"\\]+/, '$1older');
    await route.fulfill({ response, body });
  });
  await openFleet(page);
  const strip = page.getByRole('status').filter({ hasText: 'Sandkeeper was updated.' });
  await expect(strip.getByRole('button', { name: 'Reload' })).toBeVisible();

  await chooseRowAction(page, id, 'Kill…');
  const kill = page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
  await kill.getByLabel(/^Reason/).fill('typed');
  await expect(kill.getByRole('alert')).toContainText(
    /was updated since this page was loaded.*Nothing was killed/,
  );
  await expect(kill.getByRole('alert')).not.toContainText('could not be reached');
  await expect(kill.getByLabel(/^Reason/)).toHaveValue('typed');
  expect(await moru.stateOf(id)).toBe('running');

  // The reload that the strip asks for loses nothing that was typed.
  await page.reload();
  await chooseRowAction(page, id, 'Kill…');
  await expect(kill.getByLabel(/^Reason/)).toHaveValue('typed');
  await kill.getByRole('button', { name: /^(Cancel|Close)$/ }).click();
  await expect(kill).toBeHidden();
  await page.getByLabel('Filter sandboxes').click();
  await page.getByLabel('Filter sandboxes').pressSequentially('state:running age>');
  await strip.getByRole('button', { name: 'Reload' }).click();
  await expect(page.getByLabel('Filter sandboxes')).toHaveValue('age>');
  await expect(page).toHaveURL(/\?q=state:running\+age%3E$/);
  await expect(strip).toBeVisible();
  await page.getByLabel('Filter sandboxes').fill('');

  isCodeGone = true;
  await page.keyboard.press('Control+k');
  await expect(toast(page, 'Could not open this')).toContainText('Sandkeeper was updated');
  complaints.length = 0;
});
