import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../lib/test-support/remove-tree';
import { EngineProcess } from './support/deployment';
import { test as base, expect } from './support/fixtures';
import { Moru } from './support/moru';
import {
  chooseRowAction,
  dock,
  expectNoRow,
  expectRow,
  filter,
  headCheckbox,
  lookAway,
  openFleet,
  rows,
} from './support/vocabulary';

/** The local engine, and two more: one as an account at Moru, one as an account at E2B. */
type Others = { staging: EngineProcess; e2b: EngineProcess; file: string };

const test = base.extend<{ staging: Moru; e2b: Moru }, { others: Others }>({
  others: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from the pattern.
    async ({}, use) => {
      const dir = await mkdtemp(join(tmpdir(), 'sandkeeper-connections-'));
      const [staging, e2b] = ['staging', 'e2b'].map((name) => new EngineProcess(join(dir, name), 100));
      if (staging === undefined || e2b === undefined) throw new Error('unreachable');
      await Promise.all([staging.start(), e2b.start()]);
      const file = join(dir, 'connections.json');
      const at = ({ url }: EngineProcess) => ({ apiUrl: url, sandboxUrl: url });
      const connections = [
        { name: 'staging', title: 'Staging', kind: 'moru', ...at(staging), key: staging.apiKey },
        { name: 'cloud', kind: 'e2b', ...at(e2b), key: e2b.apiKey.replace(/^moru_/, 'e2b_') },
      ];
      await writeFile(file, JSON.stringify({ connections }));
      await use({ staging, e2b, file });
      await Promise.all([staging.stop(), e2b.stop()]);
      await removeTree(dir);
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  settings: [
    async ({ others }, use) => use({ SANDKEEPER_CONNECTIONS: others.file, SANDKEEPER_LOCAL_ENGINE: 'on' }),
    { scope: 'worker' },
  ],
  staging: async ({ others }, use) => {
    await others.staging.start();
    await use(new Moru(others.staging));
  },
  e2b: ({ others }, use) => use(new Moru(others.e2b)),
});

test.beforeEach(({ page, signIn }) => signIn(page));

const DEVELOPMENT = { environment: 'development' };
const PRODUCTION = { environment: 'production' };

test('kills what a filter finds in three connections in one operation, each in its own engine', async ({
  page,
  moru,
  staging,
  e2b,
}) => {
  const accounts = [moru, staging, e2b];
  const [doomed, kept] = [
    await Promise.all(accounts.map((account) => account.createAll([DEVELOPMENT, DEVELOPMENT]))),
    await Promise.all(accounts.map((account) => account.createAll([PRODUCTION]))),
  ];
  await openFleet(page);
  for (const id of [...doomed.flat(), ...kept.flat()]) await expectRow(page, id);
  // By keyboard alone. The choice is a term of the filter, so it is in the URL.
  await page.getByRole('button', { name: /^Connections:/ }).focus();
  await page.keyboard.press('Enter');
  await expect(
    page
      .getByRole('menuitemradio', { name: /^All connections/ })
      .or(page.getByRole('menuitem', { name: /^All connections/ })),
  ).toBeVisible();
  await page.keyboard.type('Sta');
  await page.keyboard.press('Enter');
  await expect(rows(page)).toHaveCount(3);
  await expect(page).toHaveURL(/[?&]q=connection(%3A|:)staging/);
  await filter(page, 'environment=development');
  await expect(rows(page)).toHaveCount(6);
  await headCheckbox(page).check();
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  await lookAway(page);
  const dialog = page.getByRole('alertdialog', { name: 'Kill 6 sandboxes' });
  for (const name of ['staging', 'cloud', 'local']) await expect(dialog).toContainText(name);
  await dialog.getByRole('textbox', { name: /Type/ }).fill('kill 6');
  await dialog.getByRole('button', { name: 'Kill 6 sandboxes' }).click();
  for (const [at, account] of accounts.entries()) {
    for (const id of doomed[at] ?? [])
      await expect.poll(() => account.stateOf(id), { timeout: 60_000 }).toBe('not found');
    for (const id of kept[at] ?? []) expect(await account.stateOf(id)).toBe('running');
  }
  await page.goto('/operations');
  await expect(page.getByRole('row').filter({ hasText: 'Kill 6 sandboxes' })).toContainText('6 killed', {
    timeout: 30_000,
  });
});

test('keeps the others live and usable while one connection is down', async ({
  page,
  moru,
  staging,
  e2b,
  others,
}) => {
  const [local, away, cloud] = [await moru.create(), await staging.create(), await e2b.create()];
  await openFleet(page);
  for (const id of [local, away, cloud]) await expectRow(page, id, 'Running');
  await others.staging.stop();
  const banner = page.getByRole('status').filter({ hasText: 'Staging' });
  await expect(banner).toContainText('cannot be reached', { timeout: 30_000 });
  await expectRow(page, away, 'Running');
  // The buttons of the banner are no stops on the way to the rows.
  await page.getByRole('button', { name: 'Skip to content' }).focus();
  for (let tabs = 1; tabs < 5; tabs += 1) await page.keyboard.press('Tab');
  await expect(page.getByRole('grid', { name: 'Sandboxes' })).toBeFocused();
  await page.keyboard.press('Shift+Tab');
  await expect(page.getByRole('button', { name: 'Hide the sandboxes of Staging' })).toBeFocused();
  const later = await moru.create();
  await expectRow(page, later, 'Running');
  await chooseRowAction(page, cloud, 'Pause');
  await expect.poll(() => e2b.stateOf(cloud), { timeout: 30_000 }).toBe('paused');
  await expectRow(page, cloud, 'Paused');
  await others.staging.start();
  await expect(banner).toHaveCount(0, { timeout: 30_000 });
  await staging.kill(away);
  await expectNoRow(page, away);
});
