import type { Locator } from '@playwright/test';
import { expectAccessible } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import { dock, lookAway, openFleet, row } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

const field = (page: Page) => page.getByRole('textbox', { name: 'Command' });
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });
const stream = (page: Page, name: 'stdout' | 'stderr') =>
  output(page).getByRole('region', { name, exact: true }).locator('pre');
const status = (page: Page) => output(page).getByRole('status', { name: 'Status' });
const history = (page: Page) => page.getByRole('region', { name: 'Command history' });
const past = (page: Page, command: string): Locator =>
  history(page).getByRole('listitem').filter({ hasText: command });

async function openRun(page: Page, id: string): Promise<void> {
  await page.goto(`${pageOf(id)}/run`);
  await expect(field(page)).toBeEnabled();
  await expect(history(page)).toBeVisible();
}

async function run(page: Page, command: string): Promise<void> {
  await field(page).fill(command);
  await field(page).press('Enter');
}

test('shows all output after a reload and in a second tab, and follows the command in both', async ({
  page,
  moru,
  context,
}) => {
  const id = await moru.create();
  await openRun(page, id);
  await run(page, 'echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two');
  await expect(stream(page, 'stdout')).toHaveText('one');
  await expect(status(page)).toContainText('running');
  await page.reload();
  await expect(stream(page, 'stdout')).toHaveText('one');
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(stream(second, 'stdout')).toHaveText('one');
  await (await moru.handle(id)).files.write('/tmp/go', '');
  for (const tab of [page, second]) {
    await expect(stream(tab, 'stdout')).toHaveText(/^one\s+two\s*$/);
    await expect(status(tab)).toContainText('exit 0');
  }
  await past(page, 'echo one').getByRole('link', { name: 'Operation' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(`Run a command in ${id}`);
  await expect(page.getByRole('region', { name: 'Command' })).toContainText('echo one');
});

test('runs a command in a selection, shows the skipped sandboxes and groups equal results', async ({
  page,
  moru,
  signIn,
}) => {
  const ids = [await moru.create(), await moru.create(), await moru.create()];
  const [odd = ''] = ids;
  await (await moru.handle(odd)).files.write('/tmp/odd', '');
  const paused = await moru.create();
  await moru.pause(paused);
  await openFleet(page);
  for (const id of [...ids, paused])
    await row(page, id)
      .getByRole('checkbox', { name: `Select ${id}` })
      .check();
  await lookAway(page);
  await dock(page).getByRole('button', { name: 'Run in 3…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Run a command in 3 sandboxes' });
  await expect(dialog).toContainText('3 will run it');
  await expect(dialog).toContainText('1 will be skipped');
  await expect(dialog).toContainText('A countdown follows');
  await expect(dialog.getByRole('button', { name: 'Run in 3 sandboxes' })).toBeDisabled();
  await expectAccessible(page, 'asking for a command');
  await dialog
    .getByRole('textbox', { name: 'Command' })
    .fill('if [ -e /tmp/odd ]; then echo other; exit 1; else echo usual; echo same; fi');
  const reason = dialog.getByRole('textbox', { name: 'Reason' });
  await reason.fill('routine check');
  // Enter alone starts nothing in several sandboxes.
  await reason.press('Enter');
  await expect(dialog.getByRole('button', { name: 'Run in 3 sandboxes' })).toBeEnabled();
  await reason.press('Control+Enter');

  const results = page.getByRole('list', { name: 'Results' }).getByRole('listitem');
  await expect(results).toHaveCount(2);
  await expect(results.nth(0)).toContainText('2 sandboxes');
  await expect(results.nth(0)).toContainText('exit 0');
  await expect(results.nth(1)).toContainText('1 sandbox');
  await expect(results.nth(1)).toContainText('exit 1');
  await results
    .nth(1)
    .getByRole('button', { name: /1 sandbox/ })
    .click();
  await expect(results.nth(1).getByRole('link', { name: odd })).toBeVisible();
  await expect(results.nth(1).getByRole('region', { name: 'stdout' })).toContainText('other');
  await results.nth(1).getByRole('checkbox', { name: 'Compare with the most common output' }).check();
  const difference = results.nth(1).getByRole('region', { name: 'Difference of stdout' });
  await expect(difference).toContainText('only here: other');
  await expect(difference).toContainText('not here: usual');
  await expect(page.getByText('“routine check”')).toBeVisible();
  await expectAccessible(page, 'results of a command');
  await page.getByRole('button', { name: 'By sandbox' }).click();
  await expect(page.getByRole('row', { name: odd })).toContainText('Exit code 1.');
  await expect(page.getByRole('row', { name: paused })).toHaveCount(0);
  expect(await moru.stateOf(paused)).toBe('paused');

  const csv = await page.request.get(`/api${new URL(page.url()).pathname}/items?format=csv`);
  expect(await csv.text()).toContain('usual');
  const operation = page.url();
  await page.goto('/operations');
  const logged = page.getByRole('row').filter({ hasText: 'routine check' });
  await expect(logged).toContainText('exit 1 in 1');
  await page.goto(operation);
  await signIn(page, 'viewer');
  await page.reload();
  await expect(page.getByRole('row', { name: odd })).toContainText('Exit code 1.');
  const refused = await page.request.get(`/api${new URL(page.url()).pathname}/items?format=csv`);
  expect(await refused.text()).not.toContain('usual');
});
