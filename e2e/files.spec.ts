import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createWith, expectNames, HOME, LEFTOVERS, main, row, runIn, test, tree } from './support/files';
import { expect } from './support/fixtures';
import { pageOf } from './support/local';

const exec = promisify(execFile);

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test('a file is found from the overview, and its link and the choices of the view last', async ({
  page,
  moru,
  sandkeeper,
}) => {
  const id = await createWith(moru, LEFTOVERS);
  await page.goto(pageOf(id));
  const tabs = page.getByRole('navigation', { name: 'This sandbox' });
  await expect(tabs.getByRole('link', { name: 'Overview' })).toHaveAttribute('aria-current', 'page');
  await tabs.getByRole('link', { name: 'Files' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}${pageOf(id)}/files`);
  await expect(tabs.getByRole('link', { name: 'Files' })).toHaveAttribute('aria-current', 'page');
  await expectNames(page, ['.cache', 'empty', 'out', '.env', 'judge.py', 'latest', 'run.log']);
  await row(page, 'out').click();
  await row(page, 'report.html').click();
  await expect(page).toHaveURL(/file=%2Fhome%2Fuser%2Fout%2Freport.html|file=\/home\/user\/out\/report.html/);
  await expect(main(page)).toContainText('/home/user/out/report.html');
  const colleague = await page.context().newPage();
  await colleague.goto(page.url());
  await expect(row(colleague, 'report.html')).toHaveAttribute('aria-current', 'true');
  await expect(row(colleague, 'out')).toHaveAttribute('aria-expanded', 'true');
  await colleague.close();

  await page.getByRole('checkbox', { name: /^Hidden files/ }).uncheck();
  const header = tree(page).getByRole('columnheader', { name: 'Modified' });
  await header.getByRole('button').click();
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  await row(page, 'judge.py').click();
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByRole('button', { name: 'Edit' }).click();
  await expect(preview.getByRole('textbox', { name: /^Edit / })).toBeFocused();
  await page.keyboard.type('mine ');
  await expect(preview.getByRole('status')).toHaveText('Unsaved changes');
  await runIn(moru, id, 'echo of somebody else > ~/judge.py');
  // The browser asks, because closing the tab would lose the text. A reload keeps it.
  page.once('dialog', (question) => question.accept());
  await page.reload();
  await expect(preview).toContainText('Your unsaved changes were kept.');
  await expect(preview).toContainText('The file has changed since you opened it.');
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  await expect(row(page, 'run.log')).toBeVisible();
  await expect(row(page, '.env')).toHaveCount(0);

  await moru.kill(id);
  await page.getByRole('button', { name: 'See how it ended' }).click();
  await expect(main(page)).toContainText('Terminated at');
});

test('a file and archives are downloaded byte for byte, and an upload arrives', async ({
  page,
  moru,
  dir,
}) => {
  const id = await createWith(
    moru,
    'head -c 3000000 /dev/urandom > "it\'s data.bin"; sha256sum *.bin > /tmp/sum.txt;' +
      ' mkdir -p out/deep && echo one > out/deep/1.txt && echo two > two.txt && touch three',
  );
  const { files } = await moru.handle(id);
  const sum = String(await files.read('/tmp/sum.txt')).split(' ')[0];
  await page.goto(`${pageOf(id)}/files`);
  await row(page, "it's data.bin").click({ button: 'right' });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Download', exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("it's data.bin");
  const bytes = await readFile(await download.path());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sum);

  await row(page, 'out').hover();
  await row(page, 'out').getByRole('checkbox').check();
  await row(page, 'two.txt').getByRole('checkbox').check();
  for (const [format, unpack] of [
    ['tar.gz', ['tar', '-xzf', 'archive.tar.gz']],
    ['zip', ['python3', '-m', 'zipfile', '-e', 'archive.zip', '.']],
  ] as const) {
    await page.getByRole('button', { name: 'Download…' }).last().click();
    const dialog = page.getByRole('dialog', { name: 'Download 2 items as an archive' });
    await dialog.getByRole('radio', { name: `.${format}` }).check();
    const [archive] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: 'Download' }).click(),
    ]);
    await expect(page.getByRole('region', { name: 'Archives' })).toContainText('Packed: 2 files, 8 B');
    await archive.saveAs(join(dir, `archive.${format}`));
    const [program, ...args] = unpack;
    await exec(program, args, { cwd: dir });
    const look = 'cat "$(find . -name 1.txt)" "$(find . -name two.txt)"; find . -name three';
    expect((await exec('sh', ['-c', look], { cwd: dir })).stdout).toBe('one\ntwo\n');
    await exec('sh', ['-c', 'find . -mindepth 1 -delete'], { cwd: dir });
  }

  await writeFile(join(dir, 'new.txt'), 'new\n');
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Upload…' }).click(),
  ]);
  await chooser.setFiles([join(dir, 'new.txt')]);
  await expect(page.getByRole('region', { name: 'Uploads' }).getByRole('status')).toHaveText(
    '1 file uploaded',
  );
  expect(await files.read(`${HOME}/new.txt`)).toBe('new\n');
});
