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

test('a link signs in once, and its code leaves the address bar and the history', async ({
  page,
  sandkeeper,
  browser,
}) => {
  const link = await sandkeeper.printSignInLink();
  const code = link.split('#code=')[1] ?? '';
  expect(code).toHaveLength(32);
  // The fragment reaches no server. The code is in the body of one request, and in no address or header.
  const requests: { url: string; headers: string; method: string; body: string }[] = [];
  page.on('request', (request) => {
    const { url, method, postData, headers } = {
      url: request.url(),
      method: request.method(),
      postData: request.postData() ?? '',
      headers: JSON.stringify(request.headers()),
    };
    requests.push({ url: url.split('#')[0] ?? '', method, body: postData, headers });
  });
  await page.goto(link);
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await expect(page.getByRole('heading', { name: 'Sandboxes', exact: true })).toBeAttached();

  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expect(page.getByRole('menu')).toContainText('Role: admin');

  const [cookie] = (await page.context().cookies()).filter(
    ({ name }) => name === sandkeeper.sessionCookieName,
  );
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
  expect(await page.evaluate(() => document.cookie)).not.toContain('session');

  expect(requests.filter(({ url, headers }) => `${url}${headers}`.includes(code))).toEqual([]);
  expect(requests.filter(({ body }) => body.includes(code)).map(({ method }) => method)).toEqual(['POST']);
  expect(sandkeeper.log()).not.toContain(code);
  for (let step = 0; step < 2; step += 1) {
    await page.goBack();
    expect(page.url()).not.toContain(code);
  }

  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(link);
  await expect(other.getByRole('alert').filter({ hasText: 'used already' })).toContainText(
    'npm run sign-in-link',
  );
  expect(await sessionOf(other, sandkeeper.sessionCookieName)).toBe('');
  // A new link that is opened in the same tab loads no page.
  await other.goto(await sandkeeper.printSignInLink());
  await expect(other).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await stranger.close();
});

test('the fixed token signs in too', async ({ page, sandkeeper }) => {
  await page.goto('/sign-in');
  await page.getByLabel('Token').fill(sandkeeper.signInToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
});

test('a token in the query is not accepted and leaves the address bar, and a wrong code shows an error', async ({
  page,
  sandkeeper,
}) => {
  await page.goto(`/sign-in?token=${sandkeeper.signInToken}`);
  await expect(page.getByRole('alert').filter({ hasText: 'query' })).toContainText('not accepted');
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe('');
  await expect(page.getByText('1 connection: Local engine')).toBeVisible();

  await page.goto('/sign-in#code=not-a-code');
  await expect(page.getByRole('alert').filter({ hasText: 'This code is not valid.' })).toBeVisible();
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe('');
});

test('signing out ends the session in every tab', async ({ page, sandkeeper, context }) => {
  await page.goto(await sandkeeper.printSignInLink());
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
  await page.goto(await sandkeeper.printSignInLink());
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

test('the sign-in page leads a signed-in person on, and asks before a link signs in somebody else', async ({
  page,
  sandkeeper,
}) => {
  const { viewer } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([{ name: sandkeeper.sessionCookieName, value: viewer, url: sandkeeper.url }]);
  await page.goto('/sign-in');
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);

  const link = await sandkeeper.printSignInLink();
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'You are signed in as viewer' })).toBeVisible();
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  await page.getByRole('link', { name: 'Stay signed in' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  expect(await sessionOf(page, sandkeeper.sessionCookieName)).toBe(viewer);

  await page.goto(link);
  await page.getByRole('button', { name: 'Use the link' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await page.getByRole('button', { name: 'Account and theme' }).click();
  await expect(page.getByRole('menu')).toContainText('Local administrator');
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
