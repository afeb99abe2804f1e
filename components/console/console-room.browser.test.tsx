import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { commands, page, userEvent } from 'vitest/browser';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import {
  chooseFromMenu,
  expectOnScreen,
  expectPrompt,
  focusTerminal,
  inputOf,
  lastLine,
  leaveAndReturn,
  linesOf,
  openConsole,
  openNewConsole,
  run,
  screenOf,
  strip,
  tab,
  terminal,
} from '@/e2e/support/served/console';
import { openPage } from '@/e2e/support/served/page';
import { Box, moru } from '@/e2e/support/served/sandboxes';

const WIRE = `console-${Math.random()}`;

// Before the tab opens its connection.
beforeAll(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads the name of the wire from it.
  document.cookie = `wire=${WIRE}; path=/`;
});
afterAll(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: as above.
  document.cookie = 'wire=; path=/; max-age=0';
});
afterEach(() => page.viewport(1_280, 720));

test('consoles open side by side, are renamed, and closing a busy one is confirmed', async () => {
  await openNewConsole();
  const dialog = page.getByRole('dialog', { name: 'Open shell' });
  await page.getByRole('button', { name: 'New console with user and folder' }).click();
  await dialog.getByRole('textbox', { name: 'Working directory' }).fill('/nowhere');
  await dialog.getByRole('button', { name: 'Open shell' }).click();
  await expect.element(page.getByRole('alert').filter({ hasText: 'no folder “/nowhere”' })).toBeVisible();
  await page.getByRole('button', { name: 'New console with user and folder' }).click();
  await dialog.getByRole('textbox', { name: 'Working directory' }).fill('/tmp');
  await dialog.getByRole('combobox', { name: 'User' }).fill('root');
  await dialog.getByRole('button', { name: 'Open shell' }).click();
  await expectPrompt(2);
  await run('echo "$HOME and $PWD"', 2);
  await expectOnScreen('/root and /tmp', 2);

  await chooseFromMenu('Rename…');
  await page.getByRole('textbox', { name: 'Name' }).fill('watch the <b>run</b>');
  await userEvent.keyboard('{Enter}');
  await expect.element(tab('2 watch the <b>run</b>')).toBeVisible();
  await expect.element(inputOf(2)).toHaveFocus();
  await chooseFromMenu('Side by side');
  await expect.element(terminal(1)).toBeVisible();
  await expect.element(terminal(2)).toBeVisible();
  const line = page.getByRole('separator', { name: 'Size of the first terminal' });
  await expect.element(line).toHaveAttribute('aria-valuenow', '50');
  (line.element() as HTMLElement).focus();
  await userEvent.keyboard('{Home}');
  await expect.element(line).toHaveAttribute('aria-valuenow', '15');
  const boxOf = (number: number) => terminal(number).element().getBoundingClientRect();
  expect(boxOf(1).width).toBe(192);
  // Two terminals in a window as low as a laptop's at 300 %.
  await page.viewport(320, 200);
  await expect.element(line).toHaveAttribute('aria-orientation', 'horizontal');
  for (const number of [1, 2]) expect(boxOf(number).height).toBeGreaterThanOrEqual(192);
  await run('until stty size | grep -q " [23].$"; do sleep .1; done; clear; stty size', 2);
  await expectOnScreen(/^(8|9|\d\d) (2[5-9]|3\d)$/m, 2);
  await page.viewport(1_280, 720);

  await run('sleep 1000', 2);
  await expectOnScreen('sleep 1000', 2);
  await page.getByTitle('Close console 2').click();
  const question = page.getByRole('alertdialog', { name: 'sleep is running in this console' });
  await question.getByRole('button', { name: 'Close console' }).click();
  await expect.element(tab(/watch the/)).not.toBeInTheDocument();
  await expectPrompt(1);
  await page.getByTitle('Close console 1').click();
  await expect.element(page.getByRole('heading', { name: 'No open consoles' })).toBeVisible();
});

test('a console refuses input without a connection, then shows all output once', async () => {
  const box = await openNewConsole();
  await run('for i in $(seq 1 300); do echo "n$i"; sleep 0.02; done; echo all-$((1+0))-there');
  await expectOnScreen(/^n\d\d$/m);
  for (const input of ['lost', '']) {
    await commands.cutWire(WIRE);
    await expect.element(strip('The shell keeps running; input is disabled.')).toBeVisible();
    focusTerminal();
    await commands.typeText(input);
    await commands.mendWire(WIRE);
    await expect.element(strip(/Reconnected after .*, no output lost/)).toBeVisible();
  }
  await expectOnScreen('all-1-there');
  await expect.element(strip('Reconnected')).not.toBeInTheDocument();
  const numbers = (await scrollback()).flatMap((line) => /^n(\d+)$/.exec(line)?.[1] ?? []);
  expect(numbers).toEqual(Array.from({ length: 300 }, (_, at) => String(at + 1)));
  await expectPrompt();
  expect(lastLine()).not.toContain('lost');

  // Returning keeps the shell, its variables and its output.
  await run('kept=yes-$((3*3)); clear');
  await expect.poll(() => linesOf().filter((text) => text !== '')).toHaveLength(1);
  await leaveAndReturn(box);
  // The terminal refuses input until it is attached.
  await expectPrompt();
  await run('echo $kept');
  await expectOnScreen(/^yes-9$/m);
  expect(tab(/bash/).elements()).toHaveLength(1);
});

test('says that a console needs a WebSocket where none gets through, and starts no shell', async () => {
  const box = await Box.create();
  await openConsole(box);
  await commands.cutWire(WIRE, 'sockets');
  onTestFinished(() => commands.mendWire(WIRE));
  const advice = 'Ask your network’s admin to allow the upgrade on /live.';
  await expect.element(strip('This console cannot be shown.')).toHaveTextContent(advice);
  await expect.element(strip('This console cannot be shown.')).toHaveTextContent('The shell keeps running.');
  // The list is read all the same.
  await leaveAndReturn(box);
  await expect.element(tab(/bash/)).toBeVisible();
  const other = await Box.create();
  await openPage(other.page('console'), { role: 'operator' });
  await expect.element(page.getByRole('heading', { name: 'Consoles cannot be shown' })).toBeVisible();
  await expect.element(page.getByRole('main')).toHaveTextContent(advice);
  expect(await other.processes()).toEqual([]);
  await commands.mendWire(WIRE);
  await page.getByRole('main').getByRole('button', { name: 'Retry now' }).click();
  await expectPrompt();
});

/** The scrollback, as downloaded. */
async function scrollback(): Promise<string[]> {
  const { createObjectURL } = URL;
  const saved: Blob[] = [];
  URL.createObjectURL = (blob) => {
    if (blob instanceof Blob) saved.push(blob);
    return createObjectURL(blob);
  };
  await chooseFromMenu('Download scrollback');
  await expect.poll(() => saved.length).toBe(1);
  URL.createObjectURL = createObjectURL;
  return (await saved[0]?.text())?.split('\n') ?? [];
}

test('a console continues after a pause and ends with the sandbox', async () => {
  const box = await openNewConsole();
  await run('kept=still-$((4*4)); echo is-$((1+1))-kept');
  await expectOnScreen('is-2-kept');
  await moru.pause(box.id);
  await expect.element(strip('The sandbox is paused. The shell continues')).toBeVisible();
  focusTerminal();
  await commands.typeText('into nothing');
  await moru.connect(box.id);
  await expect.element(strip('The sandbox is paused')).not.toBeInTheDocument();
  await run('echo $kept');
  await expectOnScreen(/^still-16$/m);
  expect(screenOf()).not.toContain('into nothing');

  await moru.kill(box.id);
  await expect.element(strip('The sandbox was terminated.')).toBeVisible();
  await expect.element(strip('All its processes have ended.')).toBeVisible();
  // The output stays readable.
  await expectOnScreen(/^still-16$/m);
  await expect.element(page.getByRole('button', { name: 'See how it ended' })).toBeVisible();
});

test('opening the page of a paused sandbox does not wake it', async () => {
  const box = await Box.create();
  await moru.pause(box.id);
  await openPage(box.page('console'), { role: 'operator' });
  await expect.element(page.getByRole('heading', { name: 'The sandbox is paused' })).toBeVisible();
  await expect
    .element(page.getByRole('button', { name: 'New console', exact: true }))
    .toHaveAttribute('aria-disabled', 'true');
  expect(await moru.stateOf(box.id)).toBe('paused');
});

test('a viewer is told which role is required', async () => {
  const box = await Box.create();
  await openPage(box.page('console'), { role: 'viewer' });
  await expect
    .element(page.getByRole('heading', { name: 'Consoles require the operator role' }))
    .toBeVisible();
  await expect.element(page.getByRole('tablist', { name: 'Consoles' })).not.toBeInTheDocument();
});

test('a console and its search are accessible in both themes', async () => {
  await openConsole(await Box.create());
  await run('for c in 31 32 33 34 35 36 90 91 92; do printf "\\e[%smcolour %s\\e[0m " $c $c; done; echo');
  await expectOnScreen('colour 92');
  await expectAccessibleInBothThemes('the console');
  await page.getByRole('button', { name: 'Find in terminal' }).click();
  await page.getByRole('textbox', { name: 'Find', exact: true }).fill('colour 3');
  const status = () => document.querySelector('search')?.querySelector('[role=status]')?.textContent;
  await expect.poll(status).toMatch(/of \d+/);
  await expectAccessibleInBothThemes('finding');
});
