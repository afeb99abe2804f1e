import { expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { pageOf } from '@/e2e/support/local';
import { openPage } from '@/e2e/support/served/page';
import { Box } from '@/e2e/support/served/sandboxes';

test('is unavailable without an archive directory and names the missing setting', async () => {
  const { id } = await Box.create();
  await openPage(pageOf(id));
  await page.getByRole('button', { name: 'Kill…' }).click();
  const dialog = page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
  await expect.element(dialog.getByRole('button', { name: 'Kill sandbox' })).toBeEnabled();
  const option = dialog.getByRole('checkbox', { name: 'Archive files first' });
  await expect.element(option).toBeDisabled();
  await expect.element(option).toHaveAccessibleDescription(/SANDKEEPER_ARCHIVE_DIR/);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
});
