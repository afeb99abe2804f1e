import type { Locator } from '@playwright/test';
import { expect, type Page } from './support/fixtures';
import { Colleague } from './support/operations';
import { openFleet, row } from './support/vocabulary';
import { test as wired } from './support/wired';

/** Time to cancel a kill on a busy machine, and operations slow enough to follow. */
const SLOWLY = { SANDKEEPER_MAX_CONCURRENCY: '4', SANDKEEPER_CANCEL_WINDOW_SECONDS: '30' };

const test = wired.extend({
  settings: [async ({ settings }, use) => use({ ...settings, ...SLOWLY }), { scope: 'worker' }],
});

/** The row of the operation with this title. */
function line(page: Page, title: string): Locator {
  return page
    .getByRole('region', { name: 'Running operations' })
    .getByRole('listitem')
    .filter({ hasText: new RegExp(`^${title}`) });
}

test('kills nothing if cancelled before the first request', async ({
  page,
  signIn,
  sandkeeper,
  sessions,
  moru,
}) => {
  const ids = await moru.createAll([{}, {}, {}]);
  await signIn(page, 'operator');
  await openFleet(page);
  await new Colleague(sandkeeper, sessions.admin).kill(ids);
  const window = line(page, 'Killing 3 sandboxes in');
  await expect(window).toContainText(/in [23]\d s by admin/);
  await expect(window).toContainText('No requests have been sent.');
  await expect(row(page, ids[0] ?? '')).toContainText('Killing…');
  await expect(page.getByRole('status', { name: 'Operations' })).toContainText(
    'Killing 3 sandboxes in 30 s. It can still be cancelled.',
  );
  await expect(page.getByRole('link', { name: 'Operations, 1 in progress' })).toBeVisible();
  await window.getByRole('button', { name: 'Cancel' }).click();
  await expect(line(page, 'Kill 3 sandboxes')).toContainText('Cancelled before any request was sent.');
  const nav = page.getByRole('navigation', { name: 'Main' });
  await expect(nav.getByRole('link', { name: 'Operations', exact: true })).toBeVisible();
  for (const id of ids) expect(await moru.stateOf(id)).toBe('running');
});

test('shows progress and result on every page, in every tab, after a reload and a lost connection', async ({
  page,
  context,
  signIn,
  sandkeeper,
  sessions,
  moru,
  wire,
}) => {
  const count = 12;
  const ids = await moru.createAll(Array.from({ length: count }, () => ({})));
  await moru.addFault({ route: 'POST /sandboxes/*/pause', latencyMs: 1_500 });
  await signIn(page);
  await openFleet(page);
  const other = await context.newPage();
  await other.goto('/operations');
  const operation = await new Colleague(sandkeeper, sessions.admin).pause(ids);
  await expect(line(page, `Pausing ${count} sandboxes`)).toBeVisible();
  await page.reload();
  for (const tab of [page, other]) {
    await expect(line(tab, `Pausing ${count} sandboxes`)).toContainText(/\d+ paused/);
    await expect(line(tab, `Pausing ${count} sandboxes`).getByRole('progressbar')).toHaveAttribute(
      'aria-valuemax',
      String(count),
    );
  }
  wire.cut();
  const states = () => Promise.all(ids.map((id) => moru.stateOf(id)));
  await expect.poll(async () => new Set(await states())).toEqual(new Set(['paused']));
  await expect(line(page, `Pausing ${count} sandboxes`)).toBeVisible();
  wire.mend();
  for (const tab of [page, other]) {
    const ended = line(tab, `Pause ${count} sandboxes`);
    await expect(ended).toContainText(`${count} paused`, { timeout: 30_000 });
    await expect(ended.getByRole('link', { name: 'Details' })).toHaveAttribute(
      'href',
      `/operations/${operation}`,
    );
    await expect(tab.getByRole('status', { name: 'Operations' })).toHaveText(
      `Pause ${count} sandboxes: ${count} paused.`,
    );
  }
});
