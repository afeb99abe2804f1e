import type { Page } from '@playwright/test';
import { expect, test } from './support/fixtures';
import { ask, cookieOf, openLive } from './support/http';
import { openFleet } from './support/vocabulary';

/** Much shorter than the interval at which sockets check their session. */
const SOCKETS_NOTICE_WITHIN_MS = 8_000;
/** With room for a busy machine. */
const OFFLINE_SAID_WITHIN_MS = 4_000;

async function sessionOf(page: Page, name: string): Promise<string> {
  return (await page.context().cookies()).find((cookie) => cookie.name === name)?.value ?? '';
}

test('the startup link signs in and removes its token from the URL', async ({ page, sandkeeper }) => {
  await page.goto(sandkeeper.signInUrl);
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await expect(page.getByRole('heading', { name: 'Sandboxes', exact: true })).toBeAttached();

  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expect(page.getByRole('menu')).toContainText('Role: admin');

  const [cookie] = (await page.context().cookies()).filter(
    ({ name }) => name === sandkeeper.sessionCookieName,
  );
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  expect(await page.evaluate(() => document.cookie)).not.toContain('session');

  await page.goBack();
  expect(page.url()).not.toContain('token');
});

test('the token alone signs in too', async ({ page, sandkeeper }) => {
  await page.goto('/sign-in');
  await page.getByLabel('Token').fill(sandkeeper.signInToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
});

test('a wrong token shows an error and is removed from the URL', async ({ page, sandkeeper }) => {
  await page.goto('/sign-in?token=not-the-token');
  await expect(page.getByRole('alert').filter({ hasText: 'token' })).toContainText('not valid');
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe('');

  await page.goto(sandkeeper.signInUrl);
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
});

test('signing out ends the session in every tab', async ({ page, sandkeeper, context }) => {
  await page.goto(sandkeeper.signInUrl);
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  const otherTab = await context.newPage();
  await openFleet(otherTab);
  const cookie = cookieOf(sandkeeper, await sessionOf(page, sandkeeper.sessionCookieName));
  const live = await openLive(sandkeeper, { ...cookie, origin: sandkeeper.url });
  expect(live.status).toBe(101);
  expect((await ask(sandkeeper, '/api/session', { headers: cookie })).status).toBe(200);

  await page.getByRole('button', { name: 'Account and theme' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe('');

  expect((await ask(sandkeeper, '/api/session', { headers: cookie })).status).toBe(401);
  expect((await ask(sandkeeper, '/sandboxes', { headers: cookie })).headers.location).toBe('/sign-in');
  expect((await openLive(sandkeeper, { ...cookie, origin: sandkeeper.url })).status).toBe(401);
  await expect(otherTab).toHaveURL(`${sandkeeper.url}/sign-in`, { timeout: SOCKETS_NOTICE_WITHIN_MS });
  await expect
    .poll(() => Promise.race([live.closed, 'open']), { timeout: SOCKETS_NOTICE_WITHIN_MS })
    .toBe(4401);
});

test('a sign-out that fails shows an error and works when retried', async ({ page, context, sandkeeper }) => {
  // Its own session, because this test ends it.
  await page.goto(sandkeeper.signInUrl);
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  const leave = async () => {
    await page.getByRole('button', { name: 'Account and theme' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
  };
  // The code of the menu loads when it first opens.
  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeVisible();
  await page.keyboard.press('Escape');
  await context.setOffline(true);
  const strip = page.getByRole('status').filter({ hasText: 'You are offline.' });
  await expect(strip).toBeVisible({ timeout: OFFLINE_SAID_WITHIN_MS });
  await leave();
  await expect(page.getByText('You are still signed in')).toBeVisible();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await context.setOffline(false);
  await expect(strip).toHaveCount(0, { timeout: OFFLINE_SAID_WITHIN_MS });
  await leave();
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe('');
});

test('the sign-in page redirects a signed-in person', async ({ page, sandkeeper, signIn }) => {
  await signIn(page);
  await page.goto('/sign-in');
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
});

test('the theme is remembered and rendered by the server', async ({ page, signIn }) => {
  await signIn(page);
  await openFleet(page);
  const account = page.getByRole('button', { name: 'Account and theme' });
  await account.click();
  await page.getByRole('menuitem', { name: 'Dark theme' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  const html = await (await page.request.get('/sandboxes')).text();
  expect(html).toMatch(/<html[^>]*data-theme="dark"/);
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('signs in without JavaScript', async ({ browser, sandkeeper }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${sandkeeper.url}/sign-in`);
  await page.getByLabel('Token').fill(sandkeeper.signInToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await context.close();
});
