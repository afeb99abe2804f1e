import type { Locator } from '@playwright/test';
import { expectAccessibleInBothThemes } from './support/accessible';
import { Sandkeeper } from './support/deployment';
import { expect, type Page } from './support/fixtures';
import { Moru } from './support/moru';
import { Colleague } from './support/operations';
import { chooseRowAction, lookAway, openFleet, row, toast } from './support/vocabulary';
import { test as wired } from './support/wired';

const SLOWLY = { SANDKEEPER_MAX_CONCURRENCY: '4', SANDKEEPER_CANCEL_WINDOW_SECONDS: '4' };

/** Makes operations slow enough to follow. */
const test = wired.extend({
  settings: [async ({ settings }, use) => use({ ...settings, ...SLOWLY }), { scope: 'worker' }],
});

const SLOW_KILL = { route: 'DELETE /sandboxes/*', latencyMs: 2_000 };
/** With four at a time, a kill of this many takes six seconds. */
const COUNT = 12;

function tray(page: Page): Locator {
  return page.getByRole('region', { name: 'Running operations' });
}

/** The row of the operation with this title. */
function line(page: Page, title: string): Locator {
  return tray(page)
    .getByRole('listitem')
    .filter({ hasText: new RegExp(`^${title}`) });
}

async function createSome(moru: Moru, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => moru.create()));
}

test('shows progress and result of an operation on every page, in every tab and after a reload', async ({
  page,
  context,
  signIn,
  sandkeeper,
  sessions,
  moru,
}) => {
  const ids = await createSome(moru, COUNT);
  const kept = await moru.create();
  await moru.addFault(SLOW_KILL);
  await signIn(page);
  await openFleet(page);
  await expect(tray(page)).toHaveCount(0);
  const operation = await new Colleague(sandkeeper, sessions.admin).kill(ids);
  await expect(line(page, `Killing ${COUNT} sandboxes in [1-4] s`)).toBeVisible();
  await expect(row(page, ids.at(-1) ?? '')).toContainText('Killing…');
  await expect(page.getByRole('status', { name: 'Operations' })).toContainText(
    `Killing ${COUNT} sandboxes in 4 s. It can still be cancelled.`,
  );
  await expect(page.getByRole('link', { name: 'Operations, 1 in progress' })).toBeVisible();

  const other = await context.newPage();
  await other.goto(`/sandboxes/${kept}`);
  await page.reload();
  for (const tab of [page, other]) {
    await expect(line(tab, `Killing ${COUNT} sandboxes`)).toContainText(/\d+ killed, verified/);
    await expect(line(tab, `Killing ${COUNT} sandboxes`).getByRole('progressbar')).toHaveAttribute(
      'aria-valuemax',
      String(COUNT),
    );
    await expect(line(tab, `Killing ${COUNT} sandboxes`)).toContainText(
      /per (second|minute), about \d+ s left/,
    );
  }
  await page.goto('/operations');
  await expect(line(page, `Killing ${COUNT} sandboxes`)).toBeVisible();

  await expect(line(other, `Kill ${COUNT} sandboxes`)).toContainText(`${COUNT} killed, verified`, {
    timeout: 60_000,
  });
  await expect(other.getByRole('status', { name: 'Operations' })).toHaveText(
    `Kill ${COUNT} sandboxes: ${COUNT} killed, verified.`,
  );
  await expect(line(page, `Kill ${COUNT} sandboxes`).getByRole('link', { name: 'Details' })).toHaveAttribute(
    'href',
    `/operations/${operation}`,
  );
  const nav = page.getByRole('navigation', { name: 'Main' });
  await expect(nav.getByRole('link', { name: 'Operations', exact: true })).toBeVisible();
  // Rows under the pointer stay. A successful row does not need attention.
  await tray(page).hover();
  await expect(tray(other)).toHaveCount(0, { timeout: 20_000 });
  await expect(line(page, `Kill ${COUNT} sandboxes`)).toBeVisible();
  await lookAway(page);
  await expect(tray(page)).toHaveCount(0, { timeout: 20_000 });
  expect(await moru.listIds()).toEqual([kept]);
});

test('kills nothing if cancelled before the first request', async ({ browser }) => {
  const sandkeeper = await Sandkeeper.open({ env: { SANDKEEPER_CANCEL_WINDOW_SECONDS: '30' } });
  try {
    const moru = new Moru(sandkeeper.engine);
    const ids = await createSome(moru, 3);
    const sessions = await sandkeeper.openSessions();
    const context = await browser.newContext({ baseURL: sandkeeper.url });
    await context.addCookies([
      {
        name: sandkeeper.sessionCookieName,
        value: sessions.operator,
        url: sandkeeper.url,
        sameSite: 'Strict',
      },
    ]);
    const page = await context.newPage();
    await openFleet(page);
    await new Colleague(sandkeeper, sessions.admin).kill(ids);
    const window = line(page, 'Killing 3 sandboxes in');
    await expect(window).toContainText(/in (30|29|28) s by admin/);
    await expect(window).toContainText(/in 2[0-7] s/);
    await expect(window).toContainText('No requests have been sent.');
    await window.getByRole('button', { name: 'Cancel' }).click();
    await expect(line(page, 'Kill 3 sandboxes')).toContainText('Cancelled before any request was sent.');
    for (const id of ids) expect(await moru.stateOf(id)).toBe('running');
    await context.close();
  } finally {
    await sandkeeper.close();
  }
});

test('lets viewers watch but not stop an operation', async ({ page, signIn, sandkeeper, sessions, moru }) => {
  const ids = await createSome(moru, COUNT);
  await moru.addFault(SLOW_KILL);
  await signIn(page, 'viewer');
  await openFleet(page);
  await new Colleague(sandkeeper, sessions.admin).kill(ids);
  const stop = line(page, `Killing ${COUNT} sandboxes`).getByRole('button', { name: 'Stop the rest' });
  await expect(stop).toHaveAttribute('aria-disabled', 'true');
  await expect(stop).toHaveAccessibleDescription('Requires the operator role.');
  await stop.dispatchEvent('click');
  await expect(line(page, `Kill ${COUNT} sandboxes`)).toContainText(`${COUNT} killed, verified`, {
    timeout: 60_000,
  });
});

test('keeps a failed operation until it is dismissed and offers a retry', async ({
  page,
  signIn,
  sandkeeper,
  sessions,
  moru,
}) => {
  const [bad = '', ...good] = await createSome(moru, 4);
  await moru.addFault({ route: `POST /sandboxes/${bad}/pause`, status: 500, message: 'broken' });
  await signIn(page, 'operator');
  await openFleet(page);
  const colleague = new Colleague(sandkeeper, sessions.operator);
  await colleague.pause([bad, ...good]);
  const failed = line(page, 'Pause 4 sandboxes');
  await expect(failed).toContainText('3 paused');
  await expect(failed).toContainText('1 failed');
  await page.reload();
  await expect(failed).toContainText('1 failed');

  await moru.clearFaults();
  await failed.getByRole('button', { name: 'Retry 1' }).click();
  await expect(failed).toHaveCount(0);
  await expect.poll(() => moru.stateOf(bad)).toBe('paused');

  await moru.addFault({ route: 'DELETE /sandboxes/*', status: 403, message: 'no' });
  await new Colleague(sandkeeper, sessions.admin).kill(good);
  await expect(line(page, 'Kill 3 sandboxes')).toContainText('3 denied');
  const retry = line(page, 'Kill 3 sandboxes').getByRole('button', { name: 'Retry 3…' });
  await expect(retry).toHaveAccessibleDescription('Requires the admin role.');
  await tray(page).getByRole('button', { name: 'Dismiss: Kill 3 sandboxes' }).click();
  await expect(tray(page)).toHaveCount(0);
});

test('shows an action on one sandbox only while it is cancellable or slow, then a toast', async ({
  page,
  signIn,
  sandkeeper,
  sessions,
  moru,
}) => {
  const [slow = '', quick = '', third = ''] = await createSome(moru, 3);
  await signIn(page);
  await openFleet(page);
  await chooseRowAction(page, quick, 'Pause');
  await expect(toast(page, `Paused ${quick}`)).toBeVisible();
  await expect(line(page, 'Paus')).toHaveCount(0);

  await moru.addFault({ route: 'POST /sandboxes/*/pause', latencyMs: 3_000 });
  await chooseRowAction(page, slow, 'Pause');
  await expect(line(page, 'Pausing 1 sandbox')).toContainText('1 in progress');
  await expect(toast(page, `Paused ${slow}`)).toBeVisible();
  await expect(line(page, 'Paus')).toHaveCount(0);

  await new Colleague(sandkeeper, sessions.admin).kill([third]);
  await expect(line(page, 'Killing 1 sandbox in [1-4] s')).toBeVisible();
  await expect(line(page, 'Kill(ing)? 1 sandbox')).toHaveCount(0);
});

test('shows the result of an operation that ended while the connection was lost', async ({
  page,
  signIn,
  sandkeeper,
  sessions,
  moru,
  wire,
}) => {
  const ids = await createSome(moru, 3);
  await moru.addFault({ route: 'POST /sandboxes/*/pause', latencyMs: 2_000 });
  await signIn(page);
  await openFleet(page);
  const operation = await new Colleague(sandkeeper, sessions.operator).pause(ids);
  await expect(line(page, 'Pausing 3 sandboxes')).toBeVisible();
  wire.cut();
  await expect
    .poll(async () => Promise.all(ids.map((id) => moru.stateOf(id))))
    .toEqual(['paused', 'paused', 'paused']);
  await expect(line(page, 'Pausing 3 sandboxes')).toBeVisible();
  wire.mend();
  await expect(line(page, 'Pause 3 sandboxes')).toContainText('3 paused', { timeout: 30_000 });
  expect(operation).not.toBe('');
});

test('covers no content with many operations or in a narrow window', async ({
  page,
  signIn,
  sandkeeper,
  sessions,
  moru,
}) => {
  const ids = await createSome(moru, 40);
  await moru.addFault({ route: 'POST /sandboxes/*/pause', latencyMs: 10_000 });
  await signIn(page);
  await page.setViewportSize({ width: 700, height: 640 });
  await openFleet(page);
  const colleague = new Colleague(sandkeeper, sessions.operator);
  for (let at = 0; at < 12; at += 2) await colleague.pause(ids.slice(at, at + 2));
  await expect.poll(() => tray(page).getByRole('listitem').count()).toBeGreaterThanOrEqual(6);
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  const [gridBox, trayBox] = [await grid.boundingBox(), await tray(page).boundingBox()];
  expect((gridBox?.y ?? 0) + (gridBox?.height ?? 0)).toBeLessThanOrEqual((trayBox?.y ?? 0) + 1);
  expect((trayBox?.y ?? 0) + (trayBox?.height ?? 0)).toBeLessThanOrEqual(640);
  expect(gridBox?.height).toBeGreaterThan(200);
  // The last row can be reached with the keyboard.
  await tray(page).focus();
  await page.keyboard.press('End');
  await expect(tray(page).getByRole('listitem').last()).toBeInViewport();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(700);
  await chooseRowAction(page, ids[39] ?? '', 'Pause');
});

test('is accessible in both themes', async ({ page, signIn, sandkeeper, sessions, moru }) => {
  const count = 8;
  const ids = await createSome(moru, count);
  await moru.addFault({ route: `DELETE /sandboxes/${ids[0]}`, status: 403, message: 'no' });
  await moru.addFault({ ...SLOW_KILL, latencyMs: 2_000 });
  await signIn(page, 'viewer');
  await openFleet(page);
  const colleague = new Colleague(sandkeeper, sessions.admin);
  await colleague.pause(ids.slice(1));
  await expect(line(page, `Pause ${count - 1} sandboxes`)).toContainText(`${count - 1} paused`);
  await colleague.kill(ids);
  await expect(line(page, `Killing ${count} sandboxes`)).toContainText('in progress');
  for (const title of [`Killing ${count} sandboxes`, `Kill ${count} sandboxes`]) {
    await expect(line(page, title)).toBeVisible({ timeout: 30_000 });
    await expectAccessibleInBothThemes(page, title, { isStrict: true });
  }
  await expect(line(page, `Kill ${count} sandboxes`)).toContainText('1 denied');
});
