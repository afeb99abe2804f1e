import { readFile } from 'node:fs/promises';
import type { Sandbox } from '@moru-ai/core';
import { expectAccessible } from './support/accessible';
import {
  clickOnScreen,
  expectOnScreen,
  expectPrompt,
  focusTerminal,
  inputOf,
  linesOf,
  openConsole,
  run,
  terminal,
} from './support/console';
import { expect, type Page } from './support/fixtures';
import type { Moru } from './support/moru';
import { test } from './support/wired';

const strip = (page: Page, text: string | RegExp) => page.getByRole('status').filter({ hasText: text });
const tab = (page: Page, name: string | RegExp) =>
  page.getByRole('tablist', { name: 'Consoles' }).getByRole('tab', { name });

async function openMenu(page: Page, act: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: act }).click();
}

/** How much has moved while the page loaded, from 0 to 1. */
function layoutShift(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const seen = new PerformanceObserver((list) => {
          const shifts = list.getEntries().map((entry) => Reflect.get(entry, 'value') as number);
          resolve(shifts.reduce((sum, value) => sum + value, 0));
        });
        seen.observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(0), 300);
      }),
  );
}

async function countShells(moru: Moru, id: string): Promise<number> {
  const sandbox = await moru.handle(id);
  return (await sandbox.commands.list()).filter(({ cmd }) => cmd === '/bin/bash').length;
}

/** The scrollback, as downloaded. */
async function scrollback(page: Page): Promise<string[]> {
  const saved = page.waitForEvent('download');
  await openMenu(page, 'Download scrollback');
  return (await readFile(await (await saved).path(), 'utf8')).split('\n');
}

test('runs an interactive shell', async ({ page, moru, signIn }) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  expect(await layoutShift(page)).toBeLessThan(0.01);
  await run(page, 'echo answer-$((40+2)); echo TERM=$TERM');
  await expectOnScreen(page, 'answer-42');
  await expectOnScreen(page, 'TERM=xterm-256color');

  await run(page, 'sleep 1000');
  await page.keyboard.press('Control+c');
  await expectOnScreen(page, '^C');
  await expectPrompt(page);

  await run(page, 'echo completed-by-tab > zebra-crossing.txt');
  await focusTerminal(page);
  await page.keyboard.type('cat zeb');
  await page.keyboard.press('Tab');
  await expectOnScreen(page, 'cat zebra-crossing.txt');
  await page.keyboard.press('Enter');
  await expectOnScreen(page, /^completed-by-tab$/m);

  // Four-byte characters, typed and printed, and bytes that are not valid UTF-8.
  await focusTerminal(page);
  await page.keyboard.insertText('echo "Grüße 😀 漢字"');
  await page.keyboard.press('Enter');
  await expectOnScreen(page, /^Grüße 😀 ?漢 ?字/m);
  await run(page, "printf 'a\\xff\\xfeb\\xf0\\x9f\\x98\\x80c\\n'");
  await expectOnScreen(page, /^ab😀 ?c/m);

  await focusTerminal(page);
  await page.keyboard.press('Control+d');
  await expect(strip(page, 'The shell exited')).toBeVisible();
  await page.getByRole('button', { name: 'Open new shell' }).click();
  await expectPrompt(page, 2);
  await expect(tab(page, /^1 /)).toHaveCount(0);
  await run(page, 'exit 3', 2);
  await expect(strip(page, 'The shell exited with code 3.')).toBeVisible();
});

test('resizes full-screen programs and redraws them after a reload', async ({ page, moru, signIn }) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  const sandbox = await moru.handle(id);
  await sandbox.files.write('lines.txt', Array.from({ length: 500 }, (_, at) => `line ${at + 1}`).join('\n'));
  await sandbox.files.write(
    'full.sh',
    `draw() { printf '\\033[H\\033[2J'; echo "window $(stty size)"; echo "drawn by the program"; }
printf '\\033[?1049h'; trap draw WINCH; trap 'printf "\\033[?1049l"; exit' INT; draw
while :; do sleep 0.1; done`,
  );
  await page.setViewportSize({ width: 1100, height: 700 });
  await openConsole(page, id);
  await run(page, 'less lines.txt');
  await expectOnScreen(page, /^line 1$/m);
  const before = (await linesOf(page)).length;
  await page.setViewportSize({ width: 1100, height: 500 });
  await expect.poll(async () => (await linesOf(page)).length).toBeLessThan(before);
  await focusTerminal(page);
  await page.keyboard.press('G');
  await expectOnScreen(page, /^line 500$/m);
  await expect.poll(async () => (await linesOf(page)).at(-1)).toMatch(/END|:/);
  await page.keyboard.press('q');
  await expectPrompt(page);

  await run(page, 'bash full.sh');
  const rows = (await linesOf(page)).length;
  await expectOnScreen(page, `window ${rows} `);
  await page.reload();
  await expect(strip(page, 'Reconnected, no output lost')).toBeVisible();
  await expectOnScreen(page, `window ${rows} `);
  await expectOnScreen(page, 'drawn by the program');
  await focusTerminal(page);
  await page.keyboard.press('Control+c');
  // Leaving the alternate screen restores the main one.
  await expectOnScreen(page, 'bash full.sh');
  await expectPrompt(page);

  // A program that is killed leaves the mouse reports on.
  await run(page, "printf '\\e[?1003h\\e[?1006h'; sleep 1000");
  await expect(terminal(page).locator('.xterm.enable-mouse-events')).toBeVisible();
  await sandbox.commands.run('pkill -9 sleep');
  await expect(strip(page, 'A program ended without restoring the terminal.')).toBeVisible();
  await strip(page, 'A program ended').getByRole('button', { name: 'Reset terminal' }).click();
  await page.reload();
  await expectPrompt(page);
  await page.mouse.move(300, 300);
  await page.mouse.move(600, 400, { steps: 8 });
  await run(page, 'echo clean-$((40+3))');
  await expectOnScreen(page, /\$ echo clean-\$\(\(40\+3\)\)\n+clean-43$/m);
  await openMenu(page, 'Reset terminal');
  await expect(strip(page, 'A program ended')).toHaveCount(0);
});

test('confirms a paste of several lines and runs none of them by itself', async ({ page, moru, signIn }) => {
  await signIn(page, 'operator');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await moru.create();
  await openConsole(page, id);
  const paste = async (text: string) => {
    await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
    await focusTerminal(page);
    await page.keyboard.press('Control+Shift+V');
  };
  const dialog = page.getByRole('alertdialog', { name: 'Paste 2 lines' });
  await paste('echo first-$((1+1))\necho second-$((2+2))\n');
  await expect(dialog).toContainText('echo second-$((2+2))');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await paste('echo first-$((1+1))\necho second-$((2+2))\n');
  await dialog.getByRole('button', { name: 'Paste 2 lines' }).click();
  await expectOnScreen(page, 'echo second-$((2+2))');
  expect((await linesOf(page)).join('\n')).not.toContain('first-2');
  await page.keyboard.press('Enter');
  await expectOnScreen(page, /^first-2$/m);
  await expectOnScreen(page, /^second-4$/m);

  // One line is pasted without confirmation and without its newline.
  await paste('echo third-$((3+3))\n');
  await expectOnScreen(page, 'echo third-$((3+3))');
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expectOnScreen(page, /^third-6$/m);
});

for (const [bytes, tag] of [
  [3_000_000, ''],
  [50_000_000, ' @long'],
] as const) {
  test(`stays responsive during a flood of ${bytes / 1_000_000} MB, which Ctrl-C ends${tag}`, async ({
    page,
    moru,
    signIn,
  }) => {
    await signIn(page, 'operator');
    const id = await moru.create();
    await openConsole(page, id);
    await run(
      page,
      `head -c ${bytes} /dev/zero | tr '\\0' x | fold -w 99; echo; echo flood-is-$((0+1))-over`,
    );
    await expectOnScreen(page, /^x{50}/m);
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeHidden();
    await expect
      .poll(async () => (await linesOf(page)).join('\n'), { timeout: 60_000 })
      .toMatch(/flood-is-1-over/);

    await run(page, 'clear; yes');
    await expectOnScreen(page, /^y$/m);
    await focusTerminal(page);
    await page.keyboard.press('Control+c');
    await expectPrompt(page);
    await run(page, 'echo still-$((5+5))');
    await expectOnScreen(page, 'still-10');
  });
}

test('refuses input without a connection, then shows all output once', async ({
  page,
  moru,
  signIn,
  wire,
}) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  await run(page, 'for i in $(seq 1 300); do echo "n$i"; sleep 0.02; done; echo all-$((1+0))-there');
  await expectOnScreen(page, /^n\d\d$/m);
  wire.cut();
  await expect(strip(page, 'The shell keeps running; input is disabled.')).toBeVisible();
  await focusTerminal(page);
  await page.keyboard.type('lost');
  wire.mend();
  await expect(strip(page, /Reconnected after .*, no output lost/)).toBeVisible();
  wire.cut();
  await expect(strip(page, 'The shell keeps running; input is disabled.')).toBeVisible();
  wire.mend();
  await expect(strip(page, /Reconnected after .*, no output lost/)).toBeVisible();
  await expectOnScreen(page, 'all-1-there');
  await expect(strip(page, 'Reconnected')).toHaveCount(0);
  const numbers = (await scrollback(page)).flatMap((line) => /^n(\d+)$/.exec(line)?.[1] ?? []);
  expect(numbers).toEqual(Array.from({ length: 300 }, (_, at) => String(at + 1)));
  await expectPrompt(page);
  expect((await linesOf(page)).at(-1)).not.toContain('lost');

  // A reload keeps the shell, its variables and its output.
  await run(page, 'kept=yes-$((3*3)); clear');
  // Input that is not sent yet would be lost with the page.
  await expect.poll(async () => (await linesOf(page)).filter((line) => line !== '')).toHaveLength(1);
  await page.reload();
  // The terminal refuses input until it is attached.
  await expectPrompt(page);
  await run(page, 'echo $kept');
  await expectOnScreen(page, /^yes-9$/m);
  await expect(tab(page, /bash/)).toHaveCount(1);
});

test('lets a colleague watch and take over, visibly and recorded', async ({
  page,
  moru,
  signIn,
  browser,
  baseURL,
}) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  await run(page, 'echo shared-$((6*7))');
  await expectOnScreen(page, 'shared-42');

  const context = await browser.newContext(baseURL === undefined ? {} : { baseURL });
  const colleague = await context.newPage();
  await signIn(colleague, 'admin');
  await colleague.goto(page.url());
  await expectOnScreen(colleague, 'shared-42');
  await expect(strip(colleague, 'You are watching. operator is typing.')).toBeVisible();
  await expect(page.getByRole('img', { name: 'Watched by admin' })).toBeVisible();
  await run(colleague, 'echo intruder');
  await run(page, 'echo after');
  await expectOnScreen(colleague, /^after$/m);
  expect((await linesOf(page)).join('\n')).not.toContain('intruder');

  await colleague.getByRole('button', { name: 'Take over' }).click();
  await expect(strip(colleague, 'You are watching')).toHaveCount(0);
  await expect(strip(page, 'You are watching. admin is typing.')).toBeVisible();
  await expect(inputOf(colleague)).toBeFocused();
  await colleague.keyboard.type('echo by-admin-$((2*2))\n');
  await expectOnScreen(page, 'by-admin-4');
  await context.close();
  // The first owner can take it back.
  await expect(strip(page, 'admin owns this console and is away.')).toBeVisible();
  await page.getByRole('button', { name: 'Take over' }).click();
  await run(page, 'echo back-$((2+3))');
  await expectOnScreen(page, 'back-5');

  await page.goto(`/operations/access?sandbox=${id}`);
  const log = page.getByRole('table');
  for (const words of ['Opened a console', 'Watched a console', 'Took over a console'])
    await expect(log).toContainText(words);
});

test('continues the shell after a pause and ends it with the sandbox', async ({ page, moru, signIn }) => {
  await signIn(page, 'admin');
  const id = await moru.create();
  await openConsole(page, id);
  await run(page, 'kept=still-$((4*4)); echo is-$((1+1))-kept');
  await expectOnScreen(page, 'is-2-kept');
  await moru.pause(id);
  await expect(strip(page, 'The sandbox is paused. The shell continues')).toBeVisible();
  const newcomer = await page.context().newPage();
  await newcomer.goto(`/sandboxes/${id}/console`);
  await expect(newcomer.getByRole('button', { name: 'New console', exact: true })).toBeDisabled();
  expect(await moru.stateOf(id)).toBe('paused');
  await newcomer.close();
  await focusTerminal(page);
  await page.keyboard.type('into nothing');
  await moru.connect(id);
  await expect(strip(page, 'The sandbox is paused')).toHaveCount(0, { timeout: 30_000 });
  await run(page, 'echo $kept');
  await expectOnScreen(page, /^still-16$/m);
  expect((await linesOf(page)).join('\n')).not.toContain('into nothing');

  await moru.kill(id);
  await expect(strip(page, 'The sandbox was terminated.')).toBeVisible();
  await expect(strip(page, 'All its processes have ended.')).toBeVisible();
  // The output stays readable.
  await expectOnScreen(page, /^still-16$/m);
  await page.getByRole('button', { name: 'See how it ended' }).click();
  await expect(page.getByRole('heading', { name: /^Terminated at/ })).toBeVisible();
});

test('tells a viewer which role is required', async ({ page, moru, signIn }) => {
  await signIn(page, 'viewer');
  const id = await moru.create();
  await page.goto(`/sandboxes/${id}/console`);
  await expect(page.getByRole('heading', { name: 'Consoles require the operator role' })).toBeVisible();
  await expect(page.getByRole('tablist', { name: 'Consoles' })).toHaveCount(0);
});

test('ends a console with its owner’s session', async ({ page, moru, sandkeeper }) => {
  const { operator } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([
      { name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url, httpOnly: true },
    ]);
  const id = await moru.create();
  await openConsole(page, id);
  expect(await countShells(moru, id)).toBe(1);
  const elsewhere = await page.context().newPage();
  await elsewhere.goto('/sandboxes');
  await elsewhere.getByRole('button', { name: /^Account/ }).click();
  await elsewhere.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(elsewhere).toHaveURL(/sign-in/);
  await expect(page).toHaveURL(/sign-in/);
  await expect.poll(() => countShells(moru, id)).toBe(0);
});

test('ends a console when its owner loses the role', async ({ page, moru, sandkeeper }) => {
  const { operator } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([
      { name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url, httpOnly: true },
    ]);
  const id = await moru.create();
  await openConsole(page, id);
  expect(await countShells(moru, id)).toBe(1);
  await sandkeeper.changeRole(operator, 'viewer');
  await expect.poll(() => countShells(moru, id), { timeout: 45_000 }).toBe(0);
  await expect(terminal(page)).toHaveCount(0, { timeout: 45_000 });
  await page.goto(`/sandboxes/${id}/console`);
  await expect(page.getByRole('heading', { name: 'Consoles require the operator role' })).toBeVisible();
});

test('keeps output from the clipboard and shows where links lead', async ({ page, moru, signIn }) => {
  await signIn(page, 'operator');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await moru.create();
  const sandbox = await moru.handle(id);
  const link = (address: string, text: string) => `\\033]8;;${address}\\033\\\\${text}\\033]8;;\\033\\\\`;
  await sandbox.files.write(
    'hostile.sh',
    [
      "printf '\\033]52;c;c3RvbGVu\\007'",
      `printf '${link('https://evil.example/steal', 'https://bank.example')}\\n'`,
      `printf '${link('javascript:alert(1)', 'script-link')}\\n'`,
      "printf '\\033]0;\\342\\200\\256<b>title</b>\\007'",
      // A query for the title must not be answered as if the person had typed.
      "printf '\\033[21t'",
      'echo hostile-is-$((0+1))-over',
    ].join('\n'),
  );
  await openConsole(page, id);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await run(page, 'clear; bash hostile.sh');
  await expectOnScreen(page, 'hostile-is-1-over');
  await expectPrompt(page);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  await expect(tab(page, /bash/)).toHaveAttribute('title', '<b>title</b>');
  expect((await linesOf(page)).filter((line) => line !== '').at(-1)).toMatch(/\$$/);

  await clickOnScreen(page, 'https://bank.example');
  const dialog = page.getByRole('dialog', { name: 'Open link' });
  await expect(dialog).toContainText('https://evil.example/steal');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await clickOnScreen(page, 'script-link');
  // Wait for later output before checking that no dialog has opened.
  await run(page, 'echo clicked-$((7*7))');
  await expectOnScreen(page, 'clicked-49');
  await expect(dialog).toHaveCount(0);
});

test('opens consoles side by side, renames them and confirms closing a busy one', async ({
  page,
  moru,
  signIn,
}) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  await page.getByRole('button', { name: 'New console with user and folder' }).click();
  const dialog = page.getByRole('dialog', { name: 'Open shell' });
  await dialog.getByRole('textbox', { name: 'Working directory' }).fill('/nowhere');
  await dialog.getByRole('button', { name: 'Open shell' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'no folder “/nowhere”' })).toBeVisible();
  await page.getByRole('button', { name: 'New console with user and folder' }).click();
  await dialog.getByRole('textbox', { name: 'Working directory' }).fill('/tmp');
  await dialog.getByRole('combobox', { name: 'User' }).fill('root');
  await dialog.getByRole('button', { name: 'Open shell' }).click();
  await expectPrompt(page, 2);
  await run(page, 'echo "$HOME and $PWD"', 2);
  await expectOnScreen(page, '/root and /tmp', 2);

  await openMenu(page, 'Rename…');
  await page.getByRole('textbox', { name: 'Name' }).fill('watch the <b>run</b>');
  await page.keyboard.press('Enter');
  await expect(tab(page, '2 watch the <b>run</b>')).toBeVisible();
  await expect(inputOf(page, 2)).toBeFocused();
  await openMenu(page, 'Side by side');
  await expect(terminal(page, 1)).toBeVisible();
  await expect(terminal(page, 2)).toBeVisible();
  const line = page.getByRole('separator', { name: 'Size of the first terminal' });
  await expect(line).toHaveAttribute('aria-valuenow', '50');
  await line.press('Home');
  await expect(line).toHaveAttribute('aria-valuenow', '15');
  expect((await terminal(page, 1).boundingBox())?.width).toBe(192);
  // Two terminals in a window as low as a laptop's at 300 %.
  await page.setViewportSize({ width: 320, height: 200 });
  await expect(line).toHaveAttribute('aria-orientation', 'horizontal');
  for (const number of [1, 2])
    expect((await terminal(page, number).boundingBox())?.height).toBeGreaterThanOrEqual(192);
  await run(page, 'until stty size | grep -q " [23].$"; do sleep .1; done; clear; stty size', 2);
  await expectOnScreen(page, /^(8|9|\d\d) (2[5-9]|3\d)$/m, 2);
  await page.setViewportSize({ width: 1280, height: 720 });

  await run(page, 'sleep 1000', 2);
  await expectOnScreen(page, 'sleep 1000', 2);
  await page.getByTitle('Close console 2').click();
  const question = page.getByRole('alertdialog', { name: 'sleep is running in this console' });
  await question.getByRole('button', { name: 'Close console' }).click();
  await expect(tab(page, /watch the/)).toHaveCount(0);
  await expectPrompt(page, 1);
  await page.getByTitle('Close console 1').click();
  await expect(page.getByRole('heading', { name: 'No open consoles' })).toBeVisible();
});

test('is accessible in both themes', async ({ page, moru, signIn }) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  await run(
    page,
    'for c in 31 32 33 34 35 36 90 91 92; do printf "\\e[%smcolour %s\\e[0m " $c $c; done; echo',
  );
  await expectOnScreen(page, 'colour 92');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page, `the console, ${colorScheme}`);
    await page.getByRole('button', { name: 'Find in terminal' }).click();
    await page.getByRole('textbox', { name: 'Find', exact: true }).fill('colour 3');
    await expect(page.getByRole('search').getByRole('status')).toContainText(/of \d+/);
    await expectAccessible(page, `finding, ${colorScheme}`);
    await page.keyboard.press('Escape');
  }
});

test('reports a server restart, opens a new shell and kills the orphaned one', async ({
  page,
  moru,
  signIn,
  sandkeeper,
}) => {
  await signIn(page, 'operator');
  const id = await moru.create();
  await openConsole(page, id);
  await run(page, 'echo before-$((1+1))');
  await expectOnScreen(page, 'before-2');
  await sandkeeper.crash();
  await expect(strip(page, 'The shell keeps running; input is disabled.')).toBeVisible();
  await sandkeeper.restart();
  await expect(strip(page, 'This console has ended.')).toBeVisible({ timeout: 30_000 });
  await expectOnScreen(page, 'before-2');
  await page.getByRole('button', { name: 'Open new shell' }).click();
  await expect(strip(page, 'This console has ended.')).toHaveCount(0);
  await expect.poll(async () => (await await shellsIn(moru, id)).length).toBe(1);
});

async function shellsIn(moru: { handle: (id: string) => Promise<Sandbox> }, id: string) {
  const sandbox = await moru.handle(id);
  return (await sandbox.commands.list()).filter(({ cmd }) => cmd === '/bin/bash');
}
