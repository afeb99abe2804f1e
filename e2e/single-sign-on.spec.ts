import type { Page } from '@playwright/test';
import { TestProvider } from '../lib/test-support/oidc-provider';
import { expectAccessibleInBothThemes } from './support/accessible';
import { test as base, expect } from './support/fixtures';
import { ask, cookieOf } from './support/http';
import { freePort } from './support/processes';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** A Sandkeeper that signs people in at a real provider. */
const test = base.extend<object, { provider: TestProvider; port: number }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the required fixtures from the pattern.
  port: [async ({}, use) => use(await freePort()), { scope: 'worker' }],
  provider: [
    async ({ port }, use) => {
      const provider = await TestProvider.start({ origins: [`http://localhost:${port}`] });
      await use(provider);
      await provider.stop();
    },
    { scope: 'worker' },
  ],
  settings: [
    async ({ provider, port }, use) =>
      use({
        PORT: String(port),
        ...provider.settings('leads=admin; ops=operator'),
      }),
    { scope: 'worker' },
  ],
});

const account = (...groups: string[]) => ({ claims: { name: 'Ana Berg', email: 'ana@acme.com', groups } });

/** Goes to a page without a session and signs in with the form of the provider. */
async function signInAs(page: Page, name: string, path = '/sandboxes'): Promise<void> {
  await page.goto(path);
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await page.getByLabel('Account').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** Expects the page to be one of this person with this role. */
async function expectPerson(page: Page, actor: string, everywhere: string): Promise<void> {
  const session = await (await page.request.get('/api/session')).json();
  expect(session).toMatchObject({ actor, grants: { everywhere } });
}

/** Opens the account menu, also on a page that has only just been loaded. */
async function signOut(page: Page): Promise<void> {
  const item = page.getByRole('menuitem', { name: 'Sign out' });
  await expect(async () => {
    if (!(await item.isVisible())) await page.getByRole('button', { name: 'Account and theme' }).click();
    await expect(item).toBeVisible({ timeout: 5_000 });
  }).toPass();
  await item.click();
}

test('a person signs in with a provider, loses access with their group, and signs out on both sides', async ({
  page,
  sandkeeper,
  provider,
}) => {
  provider.accounts.set('ana', account('hr'));
  await signInAs(page, 'ana', '/operations?kind=kill');
  const problem = page.getByRole('alert').filter({ hasText: 'none of the groups' });
  await expect(problem).toHaveText(
    /^Your account has none of the groups “leads”, “ops” that give access to Sandkeeper; it has: “hr”\. Ask an admin/,
  );
  await expectAccessibleInBothThemes(page, 'the sign-in page with a refusal');

  // The page that was asked for is remembered over the refusal. The provider still knows the person.
  provider.accounts.set('ana', account('ops'));
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/operations?kind=kill`);
  await expectPerson(page, 'Ana Berg', 'operator');

  // Another group gives another role at the next check, on the open page.
  provider.accounts.set('ana', account('leads'));
  await sandkeeper.checkMemberships();
  await expect(page.getByRole('link', { name: 'Settings' })).toBeVisible({ timeout: 60_000 });
  provider.accounts.set('ana', account('hr'));
  await sandkeeper.checkMemberships();
  await expect(page.getByRole('dialog', { name: 'Sign in to continue' })).toBeVisible({ timeout: 60_000 });
  await page.goto('/sandboxes');
  await expect(problem).toBeVisible();

  provider.accounts.set('ana', account('ops'));
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  await signOut(page);
  await expect(page).toHaveURL(`${sandkeeper.url}/sign-in`);
  // The provider asks again who it is.
  await page.getByRole('link', { name: 'Sign in with Acme' }).click();
  await expect(page.getByLabel('Account')).toBeVisible();
});

test('an admin tests the sign-in, which changes no session', async ({
  page,
  provider,
  signIn,
  sandkeeper,
}) => {
  provider.accounts.set('eve', { claims: { name: '\u202Eevil', groups: ['hr', 'ops'] } });
  await signIn(page);
  await page.goto('/settings/sign-in');
  const region = page.getByRole('region', { name: 'Acme' });
  await expect(region.getByRole('row', { name: /leads admin All/ })).toBeVisible();
  await expect(region).toContainText('SANDKEEPER_OIDC_CLIENT_SECRET');
  await expect(region).toContainText(`${sandkeeper.url}/sign-in/callback`);
  await expectAccessibleInBothThemes(page, 'the settings of the sign-in');
  const opened = page.context().waitForEvent('page');
  await region.getByRole('link', { name: 'Test sign-in' }).click();
  const test = await opened;
  await test.getByLabel('Account').fill('eve');
  await test.getByRole('button', { name: 'Continue' }).click();
  await expect(test.getByText('This account can sign in.')).toBeVisible();
  await expect(test.getByRole('row', { name: 'ops operator on all' })).toBeVisible();
  await expect(test.getByRole('row', { name: 'hr Nothing' })).toBeVisible();
  await expect(test.getByRole('table').getByText('sub', { exact: true })).toBeVisible();
  await expectAccessibleInBothThemes(test, 'the result of a test');
  await test.goto('/settings/sign-in');
  await expectPerson(test, 'admin', 'admin');
});

test('a provider ends a session at once, and nothing but its own token does', async ({
  page,
  sandkeeper,
  provider,
}) => {
  provider.accounts.set('li', account('ops'));
  await signInAs(page, 'li');
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: provider.issuer,
    aud: 'sandkeeper',
    sub: 'li',
    iat: now,
    exp: now + 60,
    jti: 'the end of li',
    events: { [EVENT]: {} },
  };
  const send = async (token: string) => {
    const { status } = await fetch(`${sandkeeper.url}/sign-in/back-channel/sso`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
    return status;
  };
  const cookies = await page.context().cookies();
  const value = cookies.find(({ name }) => name === sandkeeper.sessionCookieName)?.value ?? '';
  const status = async () =>
    (await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, value) })).status;
  expect(await send(await provider.signForeign(claims))).toBe(400);
  expect(await status()).toBe(200);
  expect(await send(await provider.sign(claims, { typ: 'logout+jwt' }))).toBe(200);
  expect(await status()).toBe(401);
  await page.goto('/sandboxes');
  await expect(page.getByText('You were signed out at Acme. Sign in again.')).toBeVisible();
});

test('only the browser that started a sign-in can finish it, once', async ({ sandkeeper, provider }) => {
  provider.accounts.set('mo', account('ops'));
  const start = async (path = '/sign-in/with/sso?next=https%3A%2F%2Fevil.example%2F') => {
    const { status, headers } = await ask(sandkeeper, path);
    const cookies = [headers['set-cookie'] ?? []].flat();
    const flow = cookies.find((line) => line.includes('_flow_')) ?? '';
    return { status, location: String(headers.location), flow, cookie: flow.split(';')[0] ?? '' };
  };
  const finish = async ({ pathname, search }: URL, cookie: string) => {
    const { status, headers } = await ask(sandkeeper, `${pathname}${search}`, { headers: { cookie } });
    const set = [headers['set-cookie'] ?? []].flat();
    const session = set.find((line) => line.startsWith(`${sandkeeper.sessionCookieName}=`));
    const problem = set.find((line) => line.includes('_problem_'))?.split(';')[0] ?? '';
    const page = await ask(sandkeeper, '/sign-in', { headers: { cookie: problem } });
    return {
      status,
      location: headers.location,
      referrer: headers['referrer-policy'],
      session,
      page: page.text,
    };
  };
  const [mine, theirs] = [await start(), await start()];
  expect(mine.status).toBe(303);
  expect(mine.flow).toMatch(/; Path=\/; .*HttpOnly; SameSite=lax$/i);
  provider.signsInAs = 'mo';
  const [answer, other] = [await provider.visit(mine.location), await provider.visit(theirs.location)];
  provider.signsInAs = null;

  const changed = mine.cookie.replace(/=./, (start) => (start === '=A' ? '=B' : '=A'));
  for (const cookie of ['', theirs.cookie, changed]) {
    const { status, location, session, page } = await finish(answer, cookie);
    expect([status, location, session]).toEqual([303, '/sign-in', undefined]);
    expect(page).toContain('This sign-in was not started in this browser');
  }
  // The code of another sign-in, under the own state.
  const swapped = new URL(answer);
  swapped.searchParams.set('code', other.searchParams.get('code') ?? '');
  expect((await finish(swapped, mine.cookie)).session).toBeUndefined();

  const finished = await finish(answer, mine.cookie);
  expect([finished.status, finished.location]).toEqual([303, '/']);
  expect(finished.session).toMatch(/HttpOnly; SameSite=lax$/i);
  const again = await finish(answer, mine.cookie);
  expect(again.session).toBeUndefined();
  expect(again.page).toContain('Acme does not accept this sign-in any more');

  const unknown = await start('/sign-in/with/nobody');
  expect([unknown.status, unknown.location]).toEqual([303, '/sign-in']);
  // Nothing of a code, a token or a secret is in the log.
  const log = sandkeeper.log();
  for (const secret of [answer, other].map(({ searchParams }) => searchParams.get('code') ?? '-'))
    expect(log).not.toContain(secret);
  expect(log).not.toMatch(/eyJ[\w-]{10}/);
});
