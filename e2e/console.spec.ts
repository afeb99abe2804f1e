import type { Sandbox } from '@moru-ai/core';
import { serverAction } from './support/actions';
import {
  expectOnScreen,
  expectPrompt,
  focusTerminal,
  inputOf,
  linesOf,
  openConsole,
  run,
  terminal,
} from './support/console';
import { expect, type Page, test } from './support/fixtures';
import { callAction, cookieOf } from './support/http';
import { pageOf } from './support/local';

const strip = (page: Page, text: string | RegExp) => page.getByRole('status').filter({ hasText: text });

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

async function countShells(moru: { handle: (id: string) => Promise<Sandbox> }, id: string): Promise<number> {
  const sandbox = await moru.handle(id);
  return (await sandbox.commands.list()).filter(({ cmd }) => cmd === '/bin/bash').length;
}

test('a shell survives a reload, is shared with a colleague, and ends with the session of its owner', async ({
  page,
  moru,
  signIn,
  browser,
  sandkeeper,
}) => {
  // Other tests still need the shared session.
  const { operator } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([
      { name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url, httpOnly: true },
    ]);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await moru.create();
  await openConsole(page, id);
  expect(await layoutShift(page)).toBeLessThan(0.01);
  await run(page, 'echo answer-$((40+2))');
  await expectOnScreen(page, 'answer-42');
  await run(page, 'sleep 1000');
  await page.keyboard.press('Control+c');
  await expectOnScreen(page, '^C');
  await expectPrompt(page);

  // From the clipboard, and not into it.
  await page.evaluate(() => navigator.clipboard.writeText('echo pasted-$((1+1))\necho pasted-$((2+2))\n'));
  await focusTerminal(page);
  await page.keyboard.press('Control+Shift+V');
  await page
    .getByRole('alertdialog', { name: 'Paste 2 lines' })
    .getByRole('button', { name: 'Paste 2 lines' })
    .click();
  await page.keyboard.press('Enter');
  await expectOnScreen(page, /^pasted-4$/m);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await run(page, "printf '\\033]52;c;c3RvbGVu\\007'; kept=yes-$((3*3)); clear; echo stolen-$((0+0))");
  await expectOnScreen(page, /^stolen-0$/m);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');

  await page.reload();
  await expect(strip(page, 'Reconnected, no output lost')).toBeVisible();
  // The terminal refuses input until it is attached.
  await expectPrompt(page);
  await run(page, 'echo $kept');
  await expectOnScreen(page, /^yes-9$/m);

  const context = await browser.newContext({ baseURL: sandkeeper.url });
  const colleague = await context.newPage();
  await signIn(colleague, 'admin');
  await colleague.goto(page.url());
  await expectOnScreen(colleague, 'yes-9');
  await expect(strip(colleague, 'You are watching. operator is typing.')).toBeVisible();
  await expect(page.getByRole('img', { name: 'Watched by admin' })).toBeVisible();
  await run(colleague, 'echo intruder');
  await run(page, 'echo after');
  await expectOnScreen(colleague, /^after$/m);
  expect((await linesOf(page)).join('\n')).not.toContain('intruder');
  // The keyboard is taken only from somebody who knows that it is taken.
  await colleague.getByRole('button', { name: 'Take over' }).click();
  await expect(strip(colleague, 'Take over? operator is typing.')).toBeVisible();
  await colleague.getByRole('button', { name: 'Take over anyway' }).click();
  await expect(strip(colleague, 'You are watching')).toHaveCount(0);
  await expect(strip(page, 'You are watching. admin is typing.')).toBeVisible();
  await expect(inputOf(colleague)).toBeFocused();
  await colleague.keyboard.type('echo by-admin-$((2*2))\n');
  await expectOnScreen(page, 'by-admin-4');
  await colleague.goto(`/operations/access?sandbox=${id}`);
  for (const words of ['Opened a console', 'Watched a console', 'Took over a console'])
    await expect(colleague.getByRole('table')).toContainText(words);
  // The first owner can take it back.
  await expect(strip(page, 'admin owns this console and is away.')).toBeVisible();
  await page.getByRole('button', { name: 'Take over' }).click();
  await run(page, 'echo back-$((2+3))');
  await expectOnScreen(page, 'back-5');

  expect(await countShells(moru, id)).toBe(1);
  const elsewhere = await page.context().newPage();
  await elsewhere.goto('/sandboxes');
  await elsewhere.getByRole('button', { name: /^Account/ }).click();
  await elsewhere.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(elsewhere).toHaveURL(/sign-in/);
  await expect(page).toHaveURL(/sign-in/);
  await expect.poll(() => countShells(moru, id)).toBe(0);
  await context.close();
});

test('a console ends when its owner loses the role', async ({ page, moru, sandkeeper }) => {
  const { operator, viewer } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([
      { name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url, httpOnly: true },
    ]);
  const id = await moru.create();
  await openConsole(page, id);
  await sandkeeper.changeRole(operator, 'viewer');
  // The end of any session makes the server check the others, which it otherwise does every 15 seconds.
  await callAction(sandkeeper, serverAction('signOut'), {
    path: '/sandboxes',
    args: [],
    headers: cookieOf(sandkeeper, viewer),
  });
  await expect.poll(() => countShells(moru, id), { timeout: 45_000 }).toBe(0);
  await expect(terminal(page)).toHaveCount(0, { timeout: 45_000 });
  await page.goto(`${pageOf(id)}/console`);
  await expect(page.getByRole('heading', { name: 'Consoles require the operator role' })).toBeVisible();
});

test('a flood of 50 MB leaves the page responsive, and Ctrl-C ends it @long', async ({
  page,
  moru,
  signIn,
}) => {
  test.setTimeout(600_000);
  await signIn(page, 'operator');
  await openConsole(page, await moru.create());
  await run(page, "head -c 50000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo flood-is-$((0+1))-over");
  await expectOnScreen(page, /^x{50}/m);
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeHidden();
  await expect
    .poll(async () => (await linesOf(page)).join('\n'), { timeout: 300_000 })
    .toMatch(/flood-is-1-over/);
  await run(page, 'clear; yes');
  await expectOnScreen(page, /^y$/m);
  await focusTerminal(page);
  await page.keyboard.press('Control+c');
  await expectPrompt(page);
});
