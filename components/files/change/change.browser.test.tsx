import { expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { expectNames, openFiles, row } from '@/e2e/support/served/files';
import { preview, text } from '@/e2e/support/served/preview';
import { Box } from '@/e2e/support/served/sandboxes';

const dialog = page.getByRole('dialog');
const press = (keys: string) => userEvent.keyboard(keys);

test('folders are made, files are edited over a change of somebody else, renamed and deleted', async () => {
  const box = await Box.create('mkdir out; printf "one\\r\\ntwo\\r\\n" > out/notes.txt; echo x > other.txt');
  await openFiles(box);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'New folder…' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('out');
  await press('{Enter}');
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('Something of this name already exists.');
  await expectAccessible('the name of a new folder');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('results');
  await press('{Enter}');
  await expectNames(['out', 'results', 'other.txt']);

  await row('out').click();
  await row('notes.txt').click();
  await preview.getByRole('button', { name: 'Edit' }).click();
  const editor = preview.getByRole('textbox', { name: /^Edit / });
  await expect.element(editor).toHaveFocus();
  await expect.element(preview).toHaveTextContent('Windows line ends');
  await press('mine ');
  await expect.element(preview.getByRole('status')).toHaveTextContent('Unsaved changes');
  // The text is kept while another file is shown.
  await row('other.txt').click();
  await expect.element(preview).toHaveTextContent('other.txt');
  await box.run('echo of somebody else > out/notes.txt');
  await row('notes.txt').click();
  await expect.element(preview).toHaveTextContent('Your unsaved changes were kept.');
  await expect.element(preview).toHaveTextContent('The file has changed since you opened it.');
  await expectAccessibleInBothThemes('editing a file');
  (editor.element() as HTMLElement).focus();
  await press('{Control>}s{/Control}');
  const conflict = page.getByRole('alertdialog', { name: 'The file is not the one you opened' });
  await expect.element(conflict).toBeVisible();
  await conflict.getByRole('button', { name: 'Keep editing' }).click();
  await expect.element(editor).toHaveTextContent('mine one');
  await preview.getByRole('button', { name: 'Save' }).click();
  await conflict.getByRole('button', { name: 'Overwrite' }).click();
  await expect.element(preview.getByRole('button', { name: 'Edit' })).toBeVisible();
  await expect.element(text).toHaveTextContent('mine one');
  expect(await box.read('out/notes.txt')).toBe('mine one\r\ntwo\r\n');

  await row('out').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('old');
  await press('{Enter}');
  await expect.element(preview).toHaveTextContent('/home/user/old/notes.txt');
  await row('old').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete the folder old?' });
  await expect.element(question).toHaveTextContent('2 entries');
  await expect.element(question.getByRole('button', { name: 'Cancel' })).toHaveFocus();
  await expectAccessible('deleting a folder');
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expectNames(['results', 'other.txt']);
  await expect.element(preview).not.toBeInTheDocument();
});
