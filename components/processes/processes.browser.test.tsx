import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { commands, type Locator, page } from 'vitest/browser';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { acceptResume, lookAway, openPage, toast } from '@/e2e/support/served/page';
import { Box, moru } from '@/e2e/support/served/sandboxes';

const WIRE = `processes-${Math.random()}`;

// Before the tab opens its connection.
beforeAll(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads the name of the wire from it.
  document.cookie = `wire=${WIRE}; path=/`;
});
afterAll(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: as above.
  document.cookie = 'wire=; path=/; max-age=0';
});

const table = page.getByRole('table', { name: 'Processes started by API' });
const processRow = (hasText: string): Locator => table.getByRole('row').filter({ hasText });
const act = (row: Locator, name: RegExp): Locator => row.getByRole('button', { name });

const open = (box: Box) => openPage(box.page('processes'), { role: 'operator' });

test('lists processes started by API live, and all processes on request as a tree with signals', async () => {
  const box = await Box.create();
  await open(box);
  await expect.element(page.getByText('No processes started by API are running.')).toBeVisible();
  const pid = await box.start('sleep 301 & exec sleep 300');
  await expect.element(processRow('exec sleep 300')).toHaveTextContent(String(pid));
  await page.getByRole('button', { name: 'Read all processes' }).click();
  const all = page.getByRole('table', { name: 'All processes' });
  const child = all.getByRole('row').filter({ hasText: 'sleep 301' });
  await expect.element(child).toHaveTextContent('sleeping');
  await expect.element(all.getByRole('row').filter({ hasText: /sleep 300/ })).toHaveTextContent('by API');
  await expect.element(child).toHaveTextContent('Level');
  await page.getByRole('checkbox', { name: 'Tree' }).click();
  await all.getByRole('button', { name: 'Memory' }).click();
  await expect.poll(() => window.location.search).toMatch(/processes=-memory$/);
  const sorted = () => all.element().querySelector('th[aria-sort=descending]')?.textContent;
  await expect.poll(sorted).toBe('Memory');
  await expect.element(child).not.toHaveTextContent('Level');
  // The table refreshes by itself: the share of the processor needs a second reading.
  await expect.element(child).toHaveTextContent('0 %');
  await act(child, /^Send KILL/).click();
  const dialog = page.getByRole('alertdialog', { name: /^Send SIGKILL to process/ });
  await expect.element(dialog).toHaveTextContent('sleep 301');
  await expect.element(dialog.getByRole('button', { name: 'Send SIGKILL' })).toHaveClass(/bg-danger/);
  await dialog.getByRole('button', { name: 'Send SIGKILL' }).click();
  await expect.element(toast(/^Sent SIGKILL/)).toBeVisible();
  await lookAway();
  await expect.element(child).not.toBeInTheDocument();
  expect((await box.processes()).map((each) => each.pid)).toContain(pid);
  await expect
    .element(all.getByRole('button', { name: 'Send TERM to 1…' }))
    .toHaveAttribute('aria-disabled', 'true');
  await box.run(`kill -9 ${pid}`);
  await expect.element(processRow('exec sleep 300')).not.toBeInTheDocument();
});

test('says that the output of a process needs a WebSocket where none gets through', async () => {
  const box = await Box.create();
  const pid = await box.start('sleep 400');
  await open(box);
  await commands.cutWire(WIRE, 'sockets');
  onTestFinished(() => commands.mendWire(WIRE));
  await act(processRow('sleep 400'), /^Attach/).click();
  const pane = page.getByRole('region', { name: `Output of process ${pid}` });
  await expect.element(pane).toHaveTextContent('The output cannot be shown. It needs a WebSocket');
  await expect.element(pane).toHaveTextContent('Ask your network’s admin to allow the upgrade on /live.');
  await commands.mendWire(WIRE);
  await pane.getByRole('button', { name: 'Retry now' }).click();
  await expect.element(pane).toHaveTextContent('Earlier output is not available.');
});

test('attaches to the output of a process', async () => {
  const box = await Box.create();
  const pid = await box.start(
    'echo before; until [ -e /tmp/go ]; do sleep 0.1; done; echo after; until [ -e /tmp/end ]; do sleep 0.1; done; exit 4',
  );
  await open(box);
  await act(processRow('echo before'), /^Attach/).click();
  const pane = page.getByRole('region', { name: `Output of process ${pid}` });
  const output = () => pane.element().querySelector('pre')?.textContent;
  await expect.element(pane).toHaveTextContent('Earlier output is not available.');
  await box.run('touch /tmp/go');
  await expect.poll(output).toBe('after\n');
  await expectAccessible('attached to a process');
  await box.run('touch /tmp/end');
  await expect.element(pane).toHaveTextContent('It ended with exit code 4.');
  expect(output()).toBe('after\n');
  await pane.getByRole('button', { name: 'Detach' }).click();
  await expect.element(pane).not.toBeInTheDocument();
});

test('does not wake a paused sandbox, and lists processes once it is resumed', async () => {
  const box = await Box.create();
  await moru.pause(box.id);
  await open(box);
  await expect.element(page.getByRole('heading', { name: 'Processes are unavailable' })).toBeVisible();
  expect(await moru.stateOf(box.id)).toBe('paused');
  await page.getByRole('main').getByRole('button', { name: 'Resume…' }).last().click();
  await acceptResume();
  await expect.element(page.getByRole('heading', { name: 'Started by API' })).toBeVisible();
});

test('hides processes from viewers', async () => {
  await openPage((await Box.create()).page('processes'), { role: 'viewer' });
  await expect
    .element(page.getByRole('heading', { name: 'Processes require the operator role' }))
    .toBeVisible();
  await expect.element(page.getByRole('heading', { name: 'Started by API' })).not.toBeInTheDocument();
});

test('is accessible in both themes', async () => {
  const box = await Box.create();
  await box.start('exec sleep 300');
  await open(box);
  await expect.element(processRow('exec sleep 300')).toBeVisible();
  await page.getByRole('button', { name: 'Read all processes' }).click();
  await expect.element(page.getByRole('table', { name: 'All processes' })).toBeVisible();
  await expectAccessibleInBothThemes('processes');
});
