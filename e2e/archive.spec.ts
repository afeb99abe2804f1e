import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import type { Moru } from './support/moru';
import {
  askToKill,
  dock,
  expectNoRow,
  filter,
  headCheckbox,
  killDialog,
  lookAway,
  openFleet,
  row,
  rowAct,
  rows,
  toast,
} from './support/vocabulary';

// The file is read by the process that hands out the tests, too, and that one needs no directory.
const ARCHIVE_DIR =
  process.env.TEST_WORKER_INDEX === undefined
    ? tmpdir()
    : mkdtempSync(join(tmpdir(), 'sandkeeper-e2e-archives-'));

test.use({ settings: { SANDKEEPER_ARCHIVE_DIR: ARCHIVE_DIR } });
test.beforeEach(({ page, signIn }) => signIn(page));
test.afterAll(() => rmSync(ARCHIVE_DIR, { recursive: true, force: true }));

/** Waking, reading, writing, killing and verifying may take a busy machine a while. */
const ENDED_WITHIN_MS = 60_000;

const archiveOption = (dialog: Locator) => dialog.getByRole('checkbox', { name: 'Archive files first' });
const pathField = (dialog: Locator) => dialog.getByRole('textbox', { name: 'Path to archive' });
const killButton = (dialog: Locator) => dialog.getByRole('button', { name: /^Kill / });
const line = (page: Page, title: string) =>
  page.getByRole('region', { name: 'Running operations' }).getByRole('listitem').filter({ hasText: title });

/** Creates a sandbox with one file in its home that says whose it is. */
async function createWithFile(moru: Moru, metadata: Record<string, string>): Promise<string> {
  const id = await moru.create({ metadata });
  const sandbox = await moru.handle(id);
  await sandbox.files.write('out/result', `of ${id}`);
  return id;
}

/** The archives that there are, by sandbox, each as real `tar` lists it. Throws for one that it cannot read. */
function archives(): Record<string, string[]> {
  const found = readdirSync(ARCHIVE_DIR).flatMap((operation) =>
    readdirSync(join(ARCHIVE_DIR, operation)).map((name) => join(operation, name)),
  );
  return Object.fromEntries(
    found.map((name) => {
      const text = execFileSync('tar', ['-t', '-z', '-f', join(ARCHIVE_DIR, name)], { encoding: 'utf8' });
      return [name.replace(/^.*\/|\.tar\.gz$/g, ''), text.trim().split('\n')];
    }),
  );
}

/** The names of all files about a sandbox, finished or not. */
function filesOf(id: string): string[] {
  return readdirSync(ARCHIVE_DIR, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes(id))
    .map((path) => path.replace(/^.*\//, ''));
}

/** A file of the archive of a sandbox. */
function read(id: string, path: string): string {
  const name = readdirSync(ARCHIVE_DIR, { recursive: true, encoding: 'utf8' }).find((each) =>
    each.endsWith(`${id}.tar.gz`),
  );
  if (name === undefined) throw new Error(`There is no archive of ${id}.`);
  return execFileSync('tar', ['-x', '-z', '-O', '-f', join(ARCHIVE_DIR, name), path], { encoding: 'utf8' });
}

/** Opens the page of the operation whose line this is, and answers the row of a sandbox in it. */
async function openDetails(page: Page, title: string, id: string): Promise<Locator> {
  await line(page, title).getByRole('link', { name: 'Details' }).click();
  const found = page
    .getByRole('table', { name: 'Sandboxes of this operation' })
    .getByRole('row', { name: id });
  await expect(found).toBeVisible();
  return found;
}

test('saves the home of a sandbox, kills it, and says where its files are', async ({ page, moru }) => {
  const id = await createWithFile(moru, { test: 'one' });
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await expect(archiveOption(dialog)).not.toBeChecked();
  await archiveOption(dialog).check();
  await expect(dialog).toContainText("the user's home directory, to a .tar.gz on the server");
  await expect(dialog).toContainText('The sandbox is killed only after its archive is verified.');
  for (const wrong of ['out', '/work/../etc', '']) {
    await pathField(dialog).fill(wrong);
    await expect(dialog.getByRole('alert').filter({ hasText: 'An absolute path' })).toBeVisible();
    await expect(killButton(dialog)).toBeDisabled();
  }
  await pathField(dialog).fill('~');
  await expect(killButton(dialog)).toBeEnabled();
  await expectAccessible(page, 'the dialog');
  await killButton(dialog).click();
  await expect(toast(page, `Killed ${id}`)).toBeVisible({ timeout: ENDED_WITHIN_MS });
  expect(await moru.find(id)).toBeNull();
  expect(archives()[id]).toContain('user/out/result');
  expect(read(id, 'user/out/result')).toBe(`of ${id}`);

  await page.goto(`/sandboxes/${id}`);
  const end = page.getByText('Files were archived before the kill');
  await expect(end).toContainText(`/${id}.tar.gz`);
  await expect(end).toContainText(`${archives()[id]?.length} entries`);
  await page.getByRole('link', { name: 'View operation' }).click();
  await expect(page.getByRole('heading', { name: `Kill ${id} after saving ~` })).toBeVisible();
  await expect(page.getByRole('row', { name: id })).toContainText(
    `Archived ${archives()[id]?.length} entries`,
  );
  await expect(page.getByRole('main')).toContainText('Archives: ');
  await page.goto(`/operations/access?sandbox=${id}`);
  const access = page.getByRole('row').filter({ hasText: 'Archived files before a kill' });
  await expect(access).toContainText(`${archives()[id]?.length} entries`);
  await expect(access).toContainText('~');
});

test('saves those of many, and wakes a paused one for it', async ({ page, moru }) => {
  const mine = { test: 'many' };
  const ids = [
    await createWithFile(moru, mine),
    await createWithFile(moru, mine),
    await createWithFile(moru, mine),
  ];
  const [paused = ''] = ids;
  await moru.pause(paused);
  await openFleet(page);
  await filter(page, 'test=many');
  await expect(rows(page)).toHaveCount(3);
  await headCheckbox(page).check();
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  await lookAway(page);
  const dialog = page.getByRole('alertdialog', { name: 'Kill 3 sandboxes' });
  await expect(dialog).toContainText('will be killed');
  await archiveOption(dialog).check();
  await expect(dialog).toContainText('1 is paused and will be woken for this');
  await expect(dialog).toContainText('it counts toward your limit of running sandboxes');
  await pathField(dialog).fill('/home/user/out/');
  await dialog.getByRole('textbox', { name: /^Type / }).fill('kill 3');
  await expect(killButton(dialog)).toBeEnabled();
  await expectAccessible(page, 'the dialog');
  await killButton(dialog).click();
  await expect(line(page, 'Kill 3 sandboxes')).toContainText('3 killed, verified', {
    timeout: ENDED_WITHIN_MS,
  });
  for (const id of ids) {
    expect(await moru.find(id)).toBeNull();
    expect(archives()[id]).toEqual(['out/', 'out/result']);
    expect(read(id, 'out/result')).toBe(`of ${id}`);
  }
  await expect(await openDetails(page, 'Kill 3 sandboxes', paused)).toContainText('Archived 2 entries');
  await page.goto(`/operations/access?sandbox=${paused}`);
  const access = page.getByRole('table', { name: 'Access' });
  await expect(access).toContainText('to save its files before a kill; its timeout now pauses it');
  await expect(access).toContainText('Terminated');
  await expect(access).not.toContainText('Paused again');
});

test('kills nothing whose files could not be saved, and says so', async ({ page, moru }) => {
  const mine = { test: 'missing' };
  const [running, paused] = [await createWithFile(moru, mine), await createWithFile(moru, mine)];
  await moru.pause(paused);
  await openFleet(page);
  await filter(page, 'test=missing');
  await expect(rows(page)).toHaveCount(2);
  await headCheckbox(page).check();
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  await lookAway(page);
  const dialog = page.getByRole('alertdialog', { name: 'Kill 2 sandboxes' });
  await expect(dialog).toContainText('will be killed');
  await archiveOption(dialog).check();
  await pathField(dialog).fill('~/not there');
  await dialog.getByRole('textbox', { name: /^Type / }).fill('kill 2');
  await killButton(dialog).click();
  await expect(line(page, 'Kill 2 sandboxes')).toContainText('2 failed', { timeout: ENDED_WITHIN_MS });
  expect(await moru.stateOf(running)).toBe('running');
  await expect.poll(() => moru.stateOf(paused), { timeout: ENDED_WITHIN_MS }).toBe('paused');
  const reason = 'Not archived, so not killed. /home/user/not there does not exist in the sandbox.';
  const details = await openDetails(page, 'Kill 2 sandboxes', paused);
  await expect(details).toContainText(`${reason} It is paused`);
  await expect(page.getByRole('row', { name: running })).toContainText(reason);

  // Taken up again, it is still to be saved first.
  await page.getByRole('main').getByRole('button', { name: 'Retry 2 failed' }).click();
  const again = page.getByRole('alertdialog', { name: 'Kill 2 sandboxes' });
  await expect(again).toContainText('will be killed');
  await expect(archiveOption(again)).toBeChecked();
  await expect(pathField(again)).toHaveValue('~/not there');
  await again.getByRole('button', { name: 'Cancel' }).click();
});

test('kills nothing where nothing can be written', async ({ page, moru }) => {
  const id = await createWithFile(moru, { test: 'unwritable' });
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await archiveOption(dialog).check();
  await expect(killButton(dialog)).toBeEnabled();
  const aside = `${ARCHIVE_DIR}-aside`;
  renameSync(ARCHIVE_DIR, aside);
  writeFileSync(ARCHIVE_DIR, 'in the way');
  try {
    await killButton(dialog).click();
    const complaint = toast(page, `Could not kill ${id}`);
    await expect(complaint).toContainText('The archive directory is not a directory.', {
      timeout: ENDED_WITHIN_MS,
    });
    await expect(complaint).toContainText('Not archived, so not killed.');
    expect(await moru.stateOf(id)).toBe('running');
    // Whoever asks now is told before anything is begun.
    await expect(row(page, id)).toContainText('Running');
    await rowAct(page, id, 'Kill…');
    const again = killDialog(page, id);
    await archiveOption(again).check();
    await expect(again.getByRole('alert')).toContainText(
      'The archive directory is not a directory. Nothing was killed.',
    );
    await again.getByRole('button', { name: 'Cancel' }).click();
  } finally {
    rmSync(ARCHIVE_DIR, { force: true });
    renameSync(aside, ARCHIVE_DIR);
  }
});

test('stopped in the middle, it kills nothing and leaves nothing half-written', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { test: 'stopped' } });
  const sandbox = await moru.handle(id);
  // Long to read, and quick to make.
  await sandbox.commands.run('truncate -s 9G ~/long');
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await archiveOption(dialog).check();
  await expect(killButton(dialog)).toBeEnabled();
  await killButton(dialog).click();
  const its = line(page, 'Killing 1 sandbox');
  await its.getByRole('link', { name: 'Details' }).click();
  await expect(page.getByRole('row', { name: id })).toContainText('Archiving its files', {
    timeout: ENDED_WITHIN_MS,
  });
  await page.getByRole('main').getByRole('button', { name: 'Stop the rest' }).click();
  await expect(page.getByRole('row', { name: id })).toContainText(
    'Stopped while its files were being archived. It was not killed.',
    { timeout: ENDED_WITHIN_MS },
  );
  expect(await moru.stateOf(id)).toBe('running');
  expect(archives()).not.toHaveProperty(id);
  expect(filesOf(id)).toEqual([]);
});

test('taken up after a crash, it begins anew and leaves nothing half-written', async ({
  page,
  moru,
  sandkeeper,
}) => {
  const id = await moru.create({ metadata: { test: 'crashed' } });
  const sandbox = await moru.handle(id);
  await sandbox.commands.run('truncate -s 500M ~/long');
  await moru.pause(id);
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await archiveOption(dialog).check();
  await expect(killButton(dialog)).toBeEnabled();
  await killButton(dialog).click();
  await expect
    .poll(() => filesOf(id), { timeout: ENDED_WITHIN_MS, intervals: [30] })
    .toEqual([expect.stringMatching(/\.part$/)]);
  await sandkeeper.crash();
  expect(filesOf(id)).toEqual([expect.stringMatching(/\.part$/)]);
  expect(await moru.stateOf(id)).toBe('running');
  await sandkeeper.restart();
  await expect.poll(() => moru.find(id), { timeout: ENDED_WITHIN_MS }).toBeNull();
  expect(filesOf(id)).toEqual([`${id}.tar.gz`]);
  expect(archives()[id]).toContain('user/long');
  await page.goto(`/operations/access?sandbox=${id}`);
  const access = page.getByRole('table', { name: 'Access' });
  await expect(access).toContainText('Terminated');
  await expect(access.getByRole('row').filter({ hasText: 'Woke sandbox' })).toHaveCount(1);
});

test('processes that are stopped first write what is saved', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { test: 'graceful' } });
  const sandbox = await moru.handle(id);
  let said = '';
  await sandbox.commands.run(
    'trap "echo last words > ~/last; exit 0" TERM; echo ready; while :; do sleep 0.1; done',
    {
      background: true,
      onStdout: (text) => {
        said += text;
      },
    },
  );
  await expect.poll(() => said).toContain('ready');
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await dialog.getByRole('checkbox', { name: 'Stop processes first' }).check();
  await archiveOption(dialog).check();
  await expect(killButton(dialog)).toBeEnabled();
  await killButton(dialog).click();
  await expect(toast(page, `Killed ${id}`)).toBeVisible({ timeout: ENDED_WITHIN_MS });
  await lookAway(page);
  await expectNoRow(page, id);
  expect(read(id, 'user/last')).toBe('last words\n');
});

test('is not offered without a directory, and says what is missing', async ({
  browser,
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create({ metadata: { test: 'without' } });
  const beside = await sandkeeper.openBeside({ SANDKEEPER_ARCHIVE_DIR: '' });
  const context = await browser.newContext({ baseURL: beside.url });
  try {
    const cookie = { value: sessions.admin, url: beside.url, httpOnly: true, sameSite: 'Strict' } as const;
    await context.addCookies([{ name: beside.sessionCookieName, ...cookie }]);
    const page = await context.newPage();
    await openFleet(page);
    const dialog = await askToKill(page, id);
    await expect(archiveOption(dialog)).toBeDisabled();
    await expect(archiveOption(dialog)).toHaveAccessibleDescription(/SANDKEEPER_ARCHIVE_DIR/);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  } finally {
    await context.close();
    await beside.close();
  }
});
