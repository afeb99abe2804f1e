import { expect, test } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { acceptResume, openPage } from '@/e2e/support/served/page';
import { Box, moru } from '@/e2e/support/served/sandboxes';

const field = page.getByRole('textbox', { name: 'Command' });
const output = page.getByRole('region', { name: 'Output', exact: true });
const status = output.getByRole('status', { name: 'Status' });
const history = page.getByRole('region', { name: 'Command history' });
const past = (hasText: string): Locator => history.getByRole('listitem').filter({ hasText });
const press = (keys: string) => userEvent.keyboard(keys);

/** The text of a stream, or `null` while it is not shown. */
const streamOf = (name: 'stdout' | 'stderr') => () =>
  output.getByRole('region', { name, exact: true }).query()?.querySelector('pre')?.textContent?.trim() ??
  null;

async function openRun(box: Box): Promise<void> {
  await openPage(box.page('run'), { role: 'operator' });
  await expect.element(field).toBeEnabled();
  await expect.element(history).toBeVisible();
}

async function run(command: string): Promise<void> {
  await field.fill(command);
  await press('{Enter}');
}

test('shows stdout, stderr and the exit code, runs the command again and lists it in the history', async () => {
  const box = await Box.create();
  const { endAt } = (await moru.find(box.id)) ?? {};
  await openRun(box);
  await run('echo to-out; echo to-err >&2; exit 3');
  await expect.element(status).toHaveTextContent('exit 3');
  await expect.poll(streamOf('stdout')).toBe('to-out');
  await expect.poll(streamOf('stderr')).toBe('to-err');
  await expect.element(past('echo to-out')).toHaveTextContent('exit 3');
  await output.getByRole('button', { name: 'Run again' }).click();
  await expect.poll(() => past('echo to-out').elements().length).toBe(2);
  await expect.element(status).toHaveTextContent('exit 3');

  // A command ends with its shell, whatever its background processes do.
  await run('sleep 300 & echo started; exit 3');
  await expect.poll(streamOf('stdout')).toBe('started');
  await expect.element(status).toHaveTextContent('exit 3');
  await expect.element(output).toHaveTextContent('Output is still held open by a background process.');
  await output.getByRole('button', { name: 'Follow its output' }).click();
  await expect.element(output).toHaveTextContent('No new output yet');
  await output.getByRole('button', { name: 'Leave it' }).click();
  await expect.element(past('sleep 300')).toHaveTextContent('exit 3');

  // The arrow keys recall earlier commands, the latest first, and then the draft.
  await run('echo second');
  await expect.element(status).toHaveTextContent('exit 0');
  await expect.poll(() => past('echo second').elements().length).toBe(1);
  await field.fill('draft');
  for (const recalled of [
    'echo second',
    'sleep 300 & echo started; exit 3',
    'echo to-out; echo to-err >&2; exit 3',
  ]) {
    await press('{ArrowUp}');
    await expect.element(field).toHaveValue(recalled);
  }
  await press('{ArrowDown}{ArrowDown}{ArrowDown}');
  await expect.element(field).toHaveValue('draft');

  // Several lines are one command.
  await field.fill('cd .');
  await press('{Shift>}{Enter}{/Shift}pwd');
  await page.getByRole('textbox', { name: 'Working directory' }).fill('/tmp');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect.poll(streamOf('stdout')).toBe('/tmp');
  expect((await moru.find(box.id))?.endAt).toEqual(endAt);
});

test('shows output as text, with symbols for control characters', async () => {
  await openRun(await Box.create());
  await run(String.raw`printf '<b>bold</b>\033[31m\xe2\x80\xaeright\n\377'`);
  await expect.poll(streamOf('stdout')).toBe('<b>bold</b>␛[31m[RLO]right\n�');
  await expect.element(output).toHaveTextContent('invalid UTF-8 is shown as');
});

test('follows a command over a pause, and stops it', async () => {
  const box = await Box.create();
  await openRun(box);
  await run('echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two');
  await expect.poll(streamOf('stdout')).toBe('one');
  await expect.element(status).toHaveTextContent('running');
  await expectAccessible('a command that runs');
  await moru.pause(box.id);
  await expect.element(output).toHaveTextContent('The command continues when');
  await moru.connect(box.id);
  await openPage(box.page('run'), { role: 'operator' });
  await page.getByRole('button', { name: 'Show its output' }).click();
  await expect.element(output).not.toHaveTextContent('The command continues when');
  await expect.poll(streamOf('stdout')).toBe('one');
  await box.run('touch /tmp/go');
  await expect.poll(streamOf('stdout')).toMatch(/^one\s+two$/);
  await expect.element(status).toHaveTextContent('exit 0');
  await run('echo begun; exec sleep 300');
  await expect.poll(streamOf('stdout')).toBe('begun');
  await output.getByRole('button', { name: 'Stop' }).click();
  await expect.element(status).toHaveTextContent('stopped');
  await expect.element(output).toHaveTextContent('killed (SIGKILL)');
});

test('is disabled with a reason for paused and terminated sandboxes', async () => {
  const box = await Box.create();
  await moru.pause(box.id);
  await openPage(box.page('run'), { role: 'operator' });
  await expect.element(field).toBeDisabled();
  await expect.element(field).toHaveAccessibleDescription('It is paused. Resume it first.');
  expect(await moru.stateOf(box.id)).toBe('paused');
  const form = page.getByRole('form', { name: 'Run a command' });
  await form.getByRole('button', { name: 'Resume…' }).click();
  await acceptResume();
  await expect.element(field).toBeEnabled();
  await moru.kill(box.id);
  await expect.element(field).toHaveAccessibleDescription('The sandbox is terminated.');
});

test('is disabled with a reason for viewers', async () => {
  await openPage((await Box.create()).page('run'), { role: 'viewer' });
  await expect.element(field).toBeDisabled();
  await expect.element(field).toHaveAccessibleDescription('Requires the operator role.');
  await expect.element(history).not.toBeInTheDocument();
});

test('is accessible in both themes', async () => {
  await openRun(await Box.create());
  await run('echo out; echo err >&2; exit 1');
  await expect.element(status).toHaveTextContent('exit 1');
  await expect.element(past('echo out')).toHaveTextContent('exit 1');
  await expectAccessibleInBothThemes('a command');
});
