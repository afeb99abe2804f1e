import type { Sandbox } from '@moru-ai/core';
import type { Locator } from '@playwright/test';
import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import { acceptResume, toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

const table = (page: Page) => page.getByRole('table', { name: 'Processes started by API' });
const processRow = (page: Page, command: string): Locator =>
  table(page).getByRole('row').filter({ hasText: command });
const act = (row: Locator, name: RegExp): Locator => row.getByRole('button', { name });

/** Starts a background command through the SDK and returns its pid. */
async function start(sandbox: Sandbox, command: string): Promise<number> {
  return (await sandbox.commands.run(command, { background: true, timeoutMs: 0 })).pid;
}

test('lists processes started by API live, and all processes on request as a tree with signals', async ({
  page,
  moru,
}) => {
  const id = await moru.create();
  await page.goto(`/sandboxes/${id}/processes`);
  await expect(page.getByText('No processes started by API are running.')).toBeVisible();
  const sandbox = await moru.handle(id);
  const pid = await start(sandbox, 'sleep 301 & exec sleep 300');
  await expect(processRow(page, 'exec sleep 300')).toContainText(String(pid));
  await page.getByRole('button', { name: 'Read all processes' }).click();
  const all = page.getByRole('table', { name: 'All processes' });
  await expect(all.getByRole('row').filter({ hasText: 'sleep 301' })).toContainText('sleeping');
  await expect(all.getByRole('row').filter({ hasText: /sleep 300/ })).toContainText('by API');
  const child = all.getByRole('row').filter({ hasText: 'sleep 301' });
  await expect(child).toContainText('Level');
  await page.getByRole('checkbox', { name: 'Tree' }).uncheck();
  await all.getByRole('button', { name: 'Memory' }).click();
  await expect(page).toHaveURL(/processes=-memory$/);
  await expect(all.getByRole('columnheader', { name: 'Memory' })).toHaveAttribute('aria-sort', 'descending');
  await expect(child).not.toContainText('Level');
  // The table refreshes by itself: the share of the processor needs a second reading.
  await expect(child).toContainText('0 %');
  await act(child, /^Send KILL/).click();
  const dialog = page.getByRole('alertdialog', { name: /^Send SIGKILL to process/ });
  await expect(dialog).toContainText('sleep 301');
  await expect(dialog.getByRole('button', { name: 'Send SIGKILL' })).toHaveClass(/bg-danger/);
  await dialog.getByRole('button', { name: 'Send SIGKILL' }).click();
  await expect(toast(page, /^Sent SIGKILL/)).toBeVisible();
  await page.mouse.move(2, 2);
  await expect(child).toHaveCount(0);
  expect((await sandbox.commands.list()).map((each) => each.pid)).toContain(pid);
  await expect(all.getByRole('button', { name: 'Send TERM to 1…' })).toBeDisabled();
  await sandbox.commands.kill(pid);
  await expect(processRow(page, 'exec sleep 300')).toHaveCount(0);
});

test('sends TERM and KILL to exactly the chosen process', async ({ page, moru }) => {
  const id = await moru.create();
  const sandbox = await moru.handle(id);
  const polite = await start(sandbox, 'trap "touch /tmp/asked; exit 0" TERM; while :; do sleep 0.1; done');
  const other = await start(sandbox, 'exec sleep 300');
  await page.goto(`/sandboxes/${id}/processes`);
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
  await page.goto(`/operations/access?sandbox=${id}`);
  await expect(page.getByText(`SIGTERM to ${polite}`)).toBeVisible();
  await expect(page.getByText(`SIGKILL to ${third}`)).toBeVisible();
});

test('attaches to the output of a process', async ({ page, moru }) => {
  const id = await moru.create();
  const sandbox = await moru.handle(id);
  const pid = await start(
    sandbox,
    'echo before; until [ -e /tmp/go ]; do sleep 0.1; done; echo after; until [ -e /tmp/end ]; do sleep 0.1; done; exit 4',
  );
  await page.goto(`/sandboxes/${id}/processes`);
  await act(processRow(page, 'echo before'), /^Attach/).click();
  const pane = page.getByRole('region', { name: `Output of process ${pid}` });
  await expect(pane).toContainText('Earlier output is not available.');
  await sandbox.files.write('/tmp/go', '');
  await expect(pane.locator('pre')).toHaveText('after\n');
  await expectAccessible(page, 'attached to a process');
  await sandbox.files.write('/tmp/end', '');
  await expect(pane).toContainText('It ended with exit code 4.');
  await expect(pane.locator('pre')).toHaveText('after\n');
  await pane.getByRole('button', { name: 'Detach' }).click();
  await expect(pane).toBeHidden();
  await page.goto(`/operations/access?sandbox=${id}`);
  await expect(page.getByText(`Process ${pid}: `)).toBeVisible();
});

test('hides processes from viewers and does not wake a paused sandbox', async ({ page, moru, signIn }) => {
  const id = await moru.create();
  await moru.pause(id);
  await page.goto(`/sandboxes/${id}/processes`);
  await expect(page.getByRole('heading', { name: 'Processes are unavailable' })).toBeVisible();
  expect(await moru.stateOf(id)).toBe('paused');
  await page.getByRole('main').getByRole('button', { name: 'Resume…' }).last().click();
  await acceptResume(page);
  await expect(page.getByRole('heading', { name: 'Started by API' })).toBeVisible();
  await signIn(page, 'viewer');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Processes require the operator role' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Started by API' })).toBeHidden();
});

test('is accessible in both themes', async ({ page, moru }) => {
  const id = await moru.create();
  await start(await moru.handle(id), 'exec sleep 300');
  await page.goto(`/sandboxes/${id}/processes`);
  await expect(processRow(page, 'exec sleep 300')).toBeVisible();
  await page.getByRole('button', { name: 'Read all processes' }).click();
  await expect(page.getByRole('table', { name: 'All processes' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'processes');
});
