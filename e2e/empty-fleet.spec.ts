import { expect, test } from './support/fixtures';
import { pageOf } from './support/local';
import { openFleet, rows, toast } from './support/vocabulary';

test.beforeEach(async ({ page, signIn }) => {
  await signIn(page);
  await openFleet(page);
  await expect(page.getByRole('heading', { name: 'No sandboxes yet' })).toBeVisible();
});

test('an empty fleet shows how to create a sandbox in two languages', async ({ page }) => {
  await expect(page.getByText('from moru import Sandbox')).toBeVisible();
  await page.getByRole('button', { name: 'TypeScript' }).click();
  await expect(page.getByText("import { Sandbox } from '@moru-ai/core'")).toBeVisible();
});

test('one click creates a demo fleet on the local engine', async ({ page, moru }) => {
  await page.getByRole('button', { name: 'Create a demo fleet' }).click();
  await expect(rows(page).first()).toBeVisible();
  await expect.poll(async () => (await moru.listIds()).length).toBe(36);
  await expect(page.getByRole('banner')).toContainText(/[1-9]\d* running · [1-9]\d* paused/);
  await expect(page.getByRole('group', { name: 'Quick filters' })).toContainText('development');
});

test('creates a sandbox with the given template, metadata and timeout', async ({
  page,
  moru,
  sandkeeper,
}) => {
  await page.getByRole('button', { name: 'New sandbox' }).click();
  const dialog = page.getByRole('dialog', { name: 'New sandbox' });
  await dialog.getByLabel('Template').fill('python');
  await dialog.getByLabel('Metadata').fill('environment=development\nowner = ana=bea');
  await dialog.getByLabel('Timeout (minutes)').fill('20');
  await dialog.getByLabel('Pause instead of kill').check();
  await dialog.getByRole('button', { name: 'Create sandbox' }).click();
  await expect(toast(page, /^Created i[a-z0-9]{20}$/)).toBeVisible();

  const [id = ''] = await moru.listIds();
  await expect(page).toHaveURL(`${sandkeeper.url}${pageOf(id)}`);
  const info = await moru.find(id);
  expect(info).toMatchObject({
    name: 'python',
    state: 'running',
    metadata: { environment: 'development', owner: 'ana=bea' },
  });
  expect((info?.endAt.getTime() ?? 0) - (info?.startedAt.getTime() ?? 0)).toBe(20 * 60_000);
});

test('a failed creation shows the error and keeps the input', async ({ page, moru }) => {
  await page.getByRole('button', { name: 'New sandbox' }).click();
  const dialog = page.getByRole('dialog', { name: 'New sandbox' });
  const create = dialog.getByRole('button', { name: 'Create sandbox' });

  await dialog.getByLabel('Metadata').fill('owner=ana\nnonsense');
  await expect(dialog.getByRole('alert')).toContainText('Line 2 is not key=value');
  await expect(create).toBeDisabled();
  await dialog.getByLabel('Metadata').fill('owner=ana');
  await dialog.getByLabel('Timeout (minutes)').fill('0');
  await expect(create).toBeDisabled();
  await dialog.getByLabel('Timeout (minutes)').fill('10');

  await dialog.getByLabel('Template').fill('no-such-template');
  await create.click();
  await expect(dialog.getByRole('alert')).toContainText('There is no template named "no-such-template"');

  await moru.addFault({ route: 'POST /sandboxes', status: 429 });
  await dialog.getByLabel('Template').fill('base');
  await create.click();
  await expect(dialog.getByRole('alert')).toContainText('limit of concurrently running sandboxes');
  await expect(dialog.getByLabel('Metadata')).toHaveValue('owner=ana');
  expect(await moru.listIds()).toEqual([]);

  await moru.clearFaults();
  await create.click();
  await expect.poll(async () => (await moru.listIds()).length).toBe(1);
});
