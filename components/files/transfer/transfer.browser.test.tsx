import { expect, test } from 'vitest';
import { commands, page } from 'vitest/browser';
import { expectAccessible } from '@/e2e/support/served/accessible';
import { expectNames, openFiles, row } from '@/e2e/support/served/files';
import { catchCopies, toast } from '@/e2e/support/served/page';
import { Box, moru } from '@/e2e/support/served/sandboxes';

declare module 'vitest/browser' {
  interface BrowserCommands {
    chooseFiles: (files: readonly (readonly [name: string, text: string])[]) => Promise<void>;
  }
}

const uploads = page.getByRole('region', { name: 'Uploads' });
const dialog = page.getByRole('alertdialog');

/** Uploads files with the same text, as chosen from this computer. */
async function upload(names: readonly string[]): Promise<void> {
  await commands.chooseFiles(names.map((name) => [name, 'new\n']));
  await page.getByRole('button', { name: 'Upload…' }).click();
}

test('an upload asks about each conflict', async () => {
  const box = await Box.create('echo old > a.txt; echo old > b.txt; echo old > c.txt');
  await openFiles(box);
  await upload(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  for (const [name, answer] of [
    ['a.txt', 'Replace'],
    ['b.txt', 'Skip'],
    ['c.txt', 'Keep both'],
  ]) {
    await expect.element(dialog).toHaveAccessibleName(`A file named ${name} already exists`);
    if (name === 'a.txt') await expectAccessible('the conflict dialog');
    await dialog.getByRole('button', { name: answer ?? '' }).click();
  }
  await expect.element(uploads.getByRole('status')).toHaveTextContent('3 files uploaded');
  await expectNames(['a.txt', 'b.txt', 'c (2).txt', 'c.txt', 'd.txt']);
  const names = ['a.txt', 'b.txt', 'c.txt', 'c (2).txt', 'd.txt'];
  expect(await Promise.all(names.map((name) => box.read(name)))).toEqual([
    'new\n',
    'old\n',
    'old\n',
    'new\n',
    'new\n',
  ]);
  await uploads.getByRole('button', { name: 'Clear' }).click();
  await expect.element(uploads).not.toBeInTheDocument();
});

test('one answer applies to all conflicts', async () => {
  const names = ['1', '2', '3', '4', '5'];
  const box = await Box.create(`for n in ${names.join(' ')}; do echo old > $n; done`);
  await openFiles(box);
  await upload(names);
  await dialog.getByRole('checkbox', { name: /Apply to all/ }).click();
  await dialog.getByRole('button', { name: 'Replace' }).click();
  await expect.element(uploads.getByRole('status')).toHaveTextContent('5 files uploaded');
  await expect.element(dialog).not.toBeInTheDocument();
  expect(await Promise.all(names.map((name) => box.read(name)))).toEqual(Array(5).fill('new\n'));
});

test('a file goes to the folder that it is dropped on', async () => {
  const box = await Box.create('mkdir inbox');
  await openFiles(box);
  await expect.element(row('inbox')).toBeVisible();
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(['dropped'], 'dropped.txt'));
  for (const type of ['dragover', 'drop'])
    row('inbox')
      .element()
      .dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  await expect.element(uploads.getByRole('status')).toHaveTextContent('1 file uploaded');
  expect(await box.read('inbox/dropped.txt')).toBe('dropped');
});

test('a failed upload can be retried, also after a pause', async () => {
  const box = await Box.create('true');
  await openFiles(box);
  const removeFault = await box.addFault({ route: 'POST /files', status: 507 });
  await upload(['a.txt']);
  await expect.element(uploads).toHaveTextContent('The disk of the sandbox is full.');
  await removeFault();
  const retry = uploads.getByRole('button', { name: 'Retry the upload of a.txt' });
  await moru.pause(box.id);
  await expect.element(page.getByRole('button', { name: 'Wake sandbox' })).toBeVisible();
  await expect.element(retry).toHaveAttribute('aria-disabled', 'true');
  await moru.connect(box.id);
  await expect.element(retry).not.toHaveAttribute('aria-disabled', 'true');
  await retry.click();
  await expect.element(uploads.getByRole('status')).toHaveTextContent('1 file uploaded');
});

test('an archive is described before it is packed', async () => {
  const box = await Box.create(
    'mkdir -p out/deep && echo one > out/deep/1.txt && echo two > two.txt && touch three',
  );
  await openFiles(box);
  await row('out').hover();
  await row('out').getByRole('checkbox').click();
  await row('two.txt').getByRole('checkbox').click();
  await page.getByRole('button', { name: 'Download…' }).last().click();
  const archive = page.getByRole('dialog', { name: 'Download 2 items as an archive' });
  await expect.element(archive).toHaveTextContent(/4 entries, 8 B, uncompressed/);
  await expectAccessible('the archive dialog');
});

test('a path or code is copied instead of a download', async () => {
  const copied = catchCopies();
  const box = await Box.create('touch notes.txt');
  await openFiles(box);
  for (const [item, said] of [
    ['Copy path', 'Copied the path'],
    ['Copy Python download code', 'Copied the Python code'],
  ]) {
    await row('notes.txt').click({ button: 'right' });
    await page.getByRole('menuitem', { name: item ?? '' }).click();
    await expect.element(toast(said ?? '')).toBeVisible();
  }
  expect(copied[0]).toBe('/home/user/notes.txt');
  expect(copied[1]).toContain('sandbox.files.read("/home/user/notes.txt", format="bytes")');
});
