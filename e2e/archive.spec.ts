import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { LOCAL, pageOf } from './support/local';
import type { Moru } from './support/moru';
import { askToKill, openFleet, toast } from './support/vocabulary';

// Playwright's main process also loads this file. It has no worker index and needs no directory.
const ARCHIVE_DIR =
  process.env.TEST_WORKER_INDEX === undefined
    ? tmpdir()
    : mkdtempSync(join(tmpdir(), 'sandkeeper-e2e-archives-'));

test.use({ settings: { SANDKEEPER_ARCHIVE_DIR: ARCHIVE_DIR } });
test.beforeEach(({ page, signIn }) => signIn(page));
test.afterAll(() => rmSync(ARCHIVE_DIR, { recursive: true, force: true }));

/** Waking, archiving, verifying and killing can be slow on a busy machine. */
const ENDED_WITHIN_MS = 60_000;

const archiveOption = (dialog: Locator) => dialog.getByRole('checkbox', { name: 'Archive files first' });
const pathField = (dialog: Locator) => dialog.getByRole('textbox', { name: 'Path to archive' });
const killButton = (dialog: Locator) => dialog.getByRole('button', { name: /^Kill / });

/** Creates a sandbox with a file in its home directory that contains the sandbox's id. */
async function createWithFile(moru: Moru, metadata: Record<string, string>): Promise<string> {
  const id = await moru.create({ metadata });
  const sandbox = await moru.handle(id);
  await sandbox.files.write('out/result', `of ${id}`);
  return id;
}

/** The entries of all archives, by sandbox id, as `tar` lists them. Throws if `tar` cannot read one. */
function archives(): Record<string, string[]> {
  const found = readdirSync(ARCHIVE_DIR).flatMap((operation) =>
    readdirSync(join(ARCHIVE_DIR, operation)).map((name) => join(operation, name)),
  );
  return Object.fromEntries(
    found.map((name) => {
      const text = execFileSync('tar', ['-t', '-z', '-f', join(ARCHIVE_DIR, name)], { encoding: 'utf8' });
      return [name.replace(new RegExp(`^.*/${LOCAL}\\.|\\.tar\\.gz$`, 'g'), ''), text.trim().split('\n')];
    }),
  );
}

/** The names of all files of a sandbox in the archive directory, including unfinished ones. */
function filesOf(id: string): string[] {
  return readdirSync(ARCHIVE_DIR, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes(id))
    .map((path) => path.replace(/^.*\//, ''));
}

/** The content of a file in the archive of a sandbox. */
function read(id: string, path: string): string {
  const name = readdirSync(ARCHIVE_DIR, { recursive: true, encoding: 'utf8' }).find((each) =>
    each.endsWith(`/${LOCAL}.${id}.tar.gz`),
  );
  if (name === undefined) throw new Error(`No archive of ${id} was found.`);
  return execFileSync('tar', ['-x', '-z', '-O', '-f', join(ARCHIVE_DIR, name), path], { encoding: 'utf8' });
}

/** Downloads an archive and compares it with the file in the archive directory. */
async function expectDownload(page: Page, link: Locator, id: string): Promise<void> {
  const started = page.waitForEvent('download');
  await link.click();
  const download = await started;
  expect(download.suggestedFilename()).toBe(`${LOCAL}.${id}.tar.gz`);
  const text = execFileSync('tar', ['-x', '-z', '-O', '-f', await download.path(), 'user/out/result']);
  expect(text.toString()).toBe(`of ${id}`);
}

/** Puts a file in place of the archive directory during `work`. */
async function withoutArchiveDir(work: () => Promise<void>): Promise<void> {
  const aside = `${ARCHIVE_DIR}-aside`;
  renameSync(ARCHIVE_DIR, aside);
  writeFileSync(ARCHIVE_DIR, 'in the way');
  try {
    await work();
  } finally {
    rmSync(ARCHIVE_DIR, { force: true });
    renameSync(aside, ARCHIVE_DIR);
  }
}

test('does not kill a sandbox that it cannot archive, then archives it, kills it and shows where the archive is', async ({
  page,
  moru,
}) => {
  const id = await createWithFile(moru, { test: 'one' });
  const sandbox = await moru.handle(id);
  let stdout = '';
  await sandbox.commands.run(
    'trap "echo last words > ~/last; exit 0" TERM; echo ready; while :; do sleep 0.1; done',
    {
      background: true,
      onStdout: (text) => {
        stdout += text;
      },
    },
  );
  await expect.poll(() => stdout).toContain('ready');
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await expect(archiveOption(dialog)).not.toBeChecked();
  await withoutArchiveDir(async () => {
    await archiveOption(dialog).check();
    await expect(dialog.getByRole('alert')).toContainText(
      'The archive directory is not a directory. Nothing was killed.',
    );
  });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await askToKill(page, id);
  await archiveOption(dialog).check();
  await expect(dialog).toContainText("the user's home directory, to a .tar.gz on the server");
  await expect(dialog).toContainText('The sandbox is killed only after its archive is verified.');
  for (const wrong of ['out', '/work/../etc', '']) {
    await pathField(dialog).fill(wrong);
    await expect(dialog.getByRole('alert').filter({ hasText: 'An absolute path' })).toBeVisible();
    await expect(killButton(dialog)).toBeDisabled();
  }
  await pathField(dialog).fill('~/not there');
  await expect(killButton(dialog)).toBeEnabled();
  await killButton(dialog).click();
  await expect(toast(page, `Could not kill ${id}`)).toContainText(
    'Not archived, so not killed. /home/user/not there does not exist in the sandbox.',
    { timeout: ENDED_WITHIN_MS },
  );
  expect(await moru.stateOf(id)).toBe('running');

  // The retry archives first, too.
  await page.goto(`/operations?sandbox=${id}`);
  await page.getByRole('link', { name: new RegExp(`^Kill ${id}`) }).click();
  await page.getByRole('main').getByRole('button', { name: 'Retry 1 failed' }).click();
  await expect(archiveOption(dialog)).toBeChecked();
  await expect(pathField(dialog)).toHaveValue('~/not there');
  await pathField(dialog).fill('~');
  await dialog.getByRole('checkbox', { name: 'Stop processes first' }).check();
  await expect(killButton(dialog)).toBeEnabled();
  await expectAccessible(page, 'the dialog');
  await killButton(dialog).click();
  await expect(toast(page, `Killed ${id}`)).toBeVisible({ timeout: ENDED_WITHIN_MS });
  expect(await moru.find(id)).toBeNull();
  expect(archives()[id]).toContain('user/out/result');
  expect(read(id, 'user/out/result')).toBe(`of ${id}`);
  expect(read(id, 'user/last')).toBe('last words\n');

  await page.goto(pageOf(id));
  const end = page.getByText('Download the files that were archived before the kill').locator('..');
  await expect(end).toContainText(`/${LOCAL}.${id}.tar.gz`);
  await expect(end).toContainText(`${archives()[id]?.length} entries`);
  await expectDownload(page, end.getByRole('link'), id);
  await page.getByRole('link', { name: 'View operation' }).click();
  await expect(
    page.getByRole('heading', { name: new RegExp(`^Kill ${id} gracefully, .*, after archiving ~$`) }),
  ).toBeVisible();
  await expect(page.getByRole('row', { name: id })).toContainText(
    `Archived ${archives()[id]?.length} entries`,
  );
  await expectDownload(
    page,
    page.getByRole('row', { name: id }).getByRole('link', { name: /^Archived/ }),
    id,
  );
  await page.goto(`/operations/access?sandbox=${id}`);
  const access = page.getByRole('row').filter({ hasText: 'Archived files before a kill' });
  await expect(access).toContainText(`${archives()[id]?.length} entries`);
  await expect(access).not.toContainText(' bytes');
  await expect(access).toContainText('~');
  const downloads = page.getByRole('row').filter({ hasText: 'Downloaded an archive' });
  await expect(downloads.first()).toContainText('Archive from before its kill');
});

test('restarts the archive after a server crash and leaves no partial file', async ({
  page,
  moru,
  sandkeeper,
}) => {
  const id = await moru.create({ metadata: { test: 'crashed' } });
  const sandbox = await moru.handle(id);
  await sandbox.commands.run('truncate -s 200M ~/long');
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
  expect(filesOf(id)).toEqual([`${LOCAL}.${id}.tar.gz`]);
  expect(archives()[id]).toContain('user/long');
  await page.goto(`/operations/access?sandbox=${id}`);
  const access = page.getByRole('table', { name: 'Access' });
  // What the operation did is one row, which opens.
  await access.getByRole('button', { name: 'Archived files before a kill' }).click();
  await expect(access).toContainText('Terminated');
  await expect(access.getByRole('cell', { name: 'Woke sandbox', exact: true })).toHaveCount(1);
});
