import type { Sandbox } from '@moru-ai/core';
import type { Locator } from '@playwright/test';
import { expectAccessible } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import { toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

const table = (page: Page) => page.getByRole('table', { name: 'Processes started by API' });
const processRow = (page: Page, command: string): Locator =>
  table(page).getByRole('row').filter({ hasText: command });
const act = (row: Locator, name: RegExp): Locator => row.getByRole('button', { name });

/** Starts a background command through the SDK and returns its pid. */
async function start(sandbox: Sandbox, command: string): Promise<number> {
  return (await sandbox.commands.run(command, { background: true, timeoutMs: 0 })).pid;
}

test('sends TERM and KILL to exactly the chosen process, follows another, and is recorded', async ({
  page,
  moru,
}) => {
  const id = await moru.create();
  const sandbox = await moru.handle(id);
  const polite = await start(sandbox, 'trap "touch /tmp/asked; exit 0" TERM; while :; do sleep 0.1; done');
  const other = await start(sandbox, 'exec sleep 300');
  const writer = await start(sandbox, 'until [ -e /tmp/go ]; do sleep 0.1; done; echo after; exec sleep 301');
  await page.goto(`${pageOf(id)}/processes`);
  await act(processRow(page, 'touch /tmp/asked'), /^Send TERM/).click();
  const dialog = page.getByRole('alertdialog', { name: `Send SIGTERM to process ${polite}` });
  await expect(dialog).toContainText('touch /tmp/asked');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await expectAccessible(page, 'signalling a process');
  await dialog.getByRole('button', { name: 'Send SIGTERM' }).click();
  await expect(toast(page, `Sent SIGTERM to process ${polite}`)).toBeVisible();
  await page.mouse.move(2, 2);
  await expect(processRow(page, 'touch /tmp/asked')).toHaveCount(0);
  expect(await sandbox.files.exists('/tmp/asked')).toBe(true);

  await act(processRow(page, 'exec sleep 300'), /^Send KILL/).click();
  const kill = page.getByRole('alertdialog', { name: `Send SIGKILL to process ${other}` });
  // The process ends first. Another process that gets its pid must not receive the signal.
  await sandbox.commands.kill(other);
  await kill.getByRole('button', { name: 'Send SIGKILL' }).click();
  await expect(kill).toContainText(`Process ${other} has already ended.`);
  await kill.getByRole('button', { name: 'Cancel' }).click();

  const third = await start(sandbox, 'exec sleep 299');
  await act(processRow(page, 'exec sleep 299'), /^Send KILL/).click();
  await page
    .getByRole('alertdialog', { name: `Send SIGKILL to process ${third}` })
    .getByRole('button', { name: 'Send SIGKILL' })
    .click();
  await expect(toast(page, `Sent SIGKILL to process ${third}`)).toBeVisible();
  await page.mouse.move(2, 2);
  await expect(processRow(page, 'exec sleep 299')).toHaveCount(0);
  await act(processRow(page, 'echo after'), /^Attach/).click();
  const pane = page.getByRole('region', { name: `Output of process ${writer}` });
  await expect(pane).toContainText('Earlier output is not available.');
  await sandbox.files.write('/tmp/go', '');
  await expect(pane.locator('pre')).toHaveText('after\n');
  await page.goto(`/operations/access?sandbox=${id}`);
  await expect(page.getByText(`Process ${writer}: `)).toBeVisible();
  await expect(page.getByText(`SIGTERM to ${polite}`)).toBeVisible();
  await expect(page.getByText(`SIGKILL to ${third}`)).toBeVisible();
});
