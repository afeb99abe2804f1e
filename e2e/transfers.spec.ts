import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expectAccessible } from './support/accessible';
import { createWith, expectNames, HOME, openFiles, row, test } from './support/files';
import { expect, type Page } from './support/fixtures';
import { toast } from './support/vocabulary';

const exec = promisify(execFile);

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test.describe('downloads', () => {
  test('preserve the bytes of a file', async ({ page, moru, dir }) => {
    const id = await createWith(
      moru,
      'head -c 3000000 /dev/urandom > "it\'s data.bin"; sha256sum *.bin > sum.txt',
    );
    const sum = String(await (await moru.handle(id)).files.read(`${HOME}/sum.txt`)).split(' ')[0];
    await openFiles(page, id);
    await row(page, "it's data.bin").click({ button: 'right' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Download', exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("it's data.bin");
    await download.saveAs(join(dir, 'data.bin'));
    expect(
      createHash('sha256')
        .update(await readFile(join(dir, 'data.bin')))
        .digest('hex'),
    ).toBe(sum);
  });

  for (const format of ['tar.gz', 'zip'] as const) {
    test(`pack a selection as .${format}`, async ({ page, moru, dir }) => {
      const id = await createWith(
        moru,
        'mkdir -p out/deep && echo one > out/deep/1.txt && echo two > two.txt && touch three',
      );
      await openFiles(page, id);
      await row(page, 'out').hover();
      await row(page, 'out').getByRole('checkbox').check();
      await row(page, 'two.txt').getByRole('checkbox').check();
      await page.getByRole('button', { name: 'Download…' }).last().click();
      const dialog = page.getByRole('dialog', { name: 'Download 2 items as an archive' });
      await expect(dialog).toContainText(/4 entries, 8 B, uncompressed/);
      await expectAccessible(page, 'the archive dialog');
      await dialog.getByRole('radio', { name: `.${format}` }).check();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name: 'Download' }).click(),
      ]);
      await expect(page.getByRole('region', { name: 'Archives' })).toContainText('Packed: 2 files, 8 B');
      const path = join(dir, `archive.${format}`);
      await download.saveAs(path);
      if (format === 'zip') await exec('python3', ['-m', 'zipfile', '-e', path, dir]);
      else await exec('tar', ['-xzf', path, '-C', dir]);
      const { stdout } = await exec(
        'sh',
        ['-c', 'cat "$(find . -name 1.txt)" "$(find . -name two.txt)"; find . -name three'],
        {
          cwd: dir,
        },
      );
      expect(stdout).toBe('one\ntwo\n');
    });
  }

  test('can be replaced by a copied path or code', async ({ page, moru, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const id = await createWith(moru, 'touch notes.txt');
    await openFiles(page, id);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await row(page, 'notes.txt').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Copy path' }).click();
    await expect(toast(page, 'Copied the path')).toBeVisible();
    expect(await copied()).toBe('/home/user/notes.txt');
    await row(page, 'notes.txt').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Copy Python download code' }).click();
    await expect(toast(page, 'Copied the Python code')).toBeVisible();
    expect(await copied()).toContain('sandbox.files.read("/home/user/notes.txt", format="bytes")');
  });
});

test.describe('uploads', () => {
  async function chooseFiles(page: Page, paths: string[]): Promise<void> {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Upload…' }).click(),
    ]);
    await chooser.setFiles(paths);
  }

  test('arrive and ask about conflicts', async ({ page, moru, dir }) => {
    const id = await createWith(moru, 'echo old > a.txt; echo old > b.txt; echo old > c.txt');
    for (const name of ['a.txt', 'b.txt', 'c.txt', 'd.txt']) await writeFile(join(dir, name), 'new\n');
    await openFiles(page, id);
    await chooseFiles(
      page,
      ['a.txt', 'b.txt', 'c.txt', 'd.txt'].map((name) => join(dir, name)),
    );
    const dialog = page.getByRole('alertdialog');
    await expect(dialog).toHaveAccessibleName('A file named a.txt already exists');
    await expectAccessible(page, 'the conflict dialog');
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await expect(dialog).toHaveAccessibleName('A file named b.txt already exists');
    await dialog.getByRole('button', { name: 'Skip' }).click();
    await expect(dialog).toHaveAccessibleName('A file named c.txt already exists');
    await dialog.getByRole('button', { name: 'Keep both' }).click();
    const uploads = page.getByRole('region', { name: 'Uploads' });
    await expect(uploads.getByRole('status')).toHaveText('3 files uploaded');
    await expectNames(page, ['a.txt', 'b.txt', 'c (2).txt', 'c.txt', 'd.txt']);
    const { files } = await moru.handle(id);
    const texts = await Promise.all(
      ['a.txt', 'b.txt', 'c.txt', 'c (2).txt', 'd.txt'].map((name) => files.read(`${HOME}/${name}`)),
    );
    expect(texts).toEqual(['new\n', 'old\n', 'old\n', 'new\n', 'new\n']);
    await uploads.getByRole('button', { name: 'Clear' }).click();
    await expect(uploads).toHaveCount(0);
  });

  test('apply one answer to all conflicts', async ({ page, moru, dir }) => {
    const names = ['1', '2', '3', '4', '5'];
    const id = await createWith(moru, `for n in ${names.join(' ')}; do echo old > $n; done`);
    for (const name of names) await writeFile(join(dir, name), 'new\n');
    await openFiles(page, id);
    await chooseFiles(
      page,
      names.map((name) => join(dir, name)),
    );
    const dialog = page.getByRole('alertdialog');
    await dialog.getByRole('checkbox', { name: /Apply to all/ }).check();
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await expect(page.getByRole('region', { name: 'Uploads' }).getByRole('status')).toHaveText(
      '5 files uploaded',
    );
    await expect(dialog).toHaveCount(0);
    const { files } = await moru.handle(id);
    expect(await Promise.all(names.map((name) => files.read(`${HOME}/${name}`)))).toEqual(
      Array(5).fill('new\n'),
    );
  });

  test('go to the folder that they are dropped on', async ({ page, moru }) => {
    const id = await createWith(moru, 'mkdir inbox');
    await openFiles(page, id);
    await expect(row(page, 'inbox')).toBeVisible();
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['dropped'], 'dropped.txt'));
      return transfer;
    });
    await row(page, 'inbox').dispatchEvent('dragover', { dataTransfer: data });
    await row(page, 'inbox').dispatchEvent('drop', { dataTransfer: data });
    await expect(page.getByRole('region', { name: 'Uploads' }).getByRole('status')).toHaveText(
      '1 file uploaded',
    );
    expect(await (await moru.handle(id)).files.read(`${HOME}/inbox/dropped.txt`)).toBe('dropped');
  });

  test('report a failure and can be retried', async ({ page, moru, dir }) => {
    const id = await createWith(moru, 'true');
    await writeFile(join(dir, 'a.txt'), 'new\n');
    await openFiles(page, id);
    await moru.addFault({ route: 'POST /files', status: 507 });
    await chooseFiles(page, [join(dir, 'a.txt')]);
    const uploads = page.getByRole('region', { name: 'Uploads' });
    await expect(uploads).toContainText('The disk of the sandbox is full.');
    await moru.clearFaults();
    const retry = uploads.getByRole('button', { name: 'Retry the upload of a.txt' });
    await moru.pause(id);
    await expect(page.getByRole('button', { name: 'Wake sandbox' })).toBeVisible();
    await expect(retry).toBeDisabled();
    await moru.connect(id);
    await expect(retry).toBeEnabled();
    await retry.click();
    await expect(uploads.getByRole('status')).toHaveText('1 file uploaded');
  });
});
