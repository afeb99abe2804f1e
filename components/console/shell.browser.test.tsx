import { expect, test } from 'vitest';
import { commands, page, userEvent } from 'vitest/browser';
import {
  chooseFromMenu,
  expectOnScreen,
  expectPrompt,
  focusTerminal,
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
import { Box } from '@/e2e/support/served/sandboxes';

test('a shell completes names, shows any bytes, and is replaced when it has exited', async () => {
  await openNewConsole();
  await run('echo TERM=$TERM');
  await expectOnScreen('TERM=xterm-256color');
  await run('echo completed-by-tab > zebra-crossing.txt');
  focusTerminal();
  await commands.typeText('cat zeb');
  await userEvent.keyboard('{Tab}');
  await expectOnScreen('cat zebra-crossing.txt');
  await userEvent.keyboard('{Enter}');
  await expectOnScreen(/^completed-by-tab$/m);

  // Four-byte characters, typed and printed, and bytes that are not valid UTF-8.
  focusTerminal();
  await commands.insertText('echo "Grüße 😀 漢字"');
  await userEvent.keyboard('{Enter}');
  await expectOnScreen(/^Grüße 😀 ?漢 ?字/m);
  await run("printf 'a\\xff\\xfeb\\xf0\\x9f\\x98\\x80c\\n'");
  await expectOnScreen(/^ab😀 ?c/m);

  focusTerminal();
  await userEvent.keyboard('{Control>}d{/Control}');
  await expect.element(strip('The shell exited')).toBeVisible();
  await page.getByRole('button', { name: 'Open new shell' }).click();
  await expectPrompt(2);
  await expect.element(tab(/^1 /)).not.toBeInTheDocument();
  await run('exit 3', 2);
  await expect.element(strip('The shell exited with code 3.')).toBeVisible();
});

test('a full-screen program gets the size of the terminal and is drawn again on return', async () => {
  const box = await Box.create();
  await box.write('lines.txt', Array.from({ length: 500 }, (_, at) => `line ${at + 1}`).join('\n'));
  await box.write(
    'full.sh',
    `draw() { printf '\\033[H\\033[2J'; echo "window $(stty size)"; echo "drawn by the program"; }
printf '\\033[?1049h'; trap draw WINCH; trap 'printf "\\033[?1049l"; exit' INT; draw
while :; do sleep 0.1; done`,
  );
  await page.viewport(1_100, 700);
  await openConsole(box);
  await run('less lines.txt');
  await expectOnScreen(/^line 1$/m);
  const before = linesOf().length;
  await page.viewport(1_100, 500);
  await expect.poll(() => linesOf().length).toBeLessThan(before);
  focusTerminal();
  await userEvent.keyboard('G');
  await expectOnScreen(/^line 500$/m);
  await expect.poll(() => linesOf().at(-1)).toMatch(/END|:/);
  await userEvent.keyboard('q');
  await expectPrompt();

  await run('bash full.sh');
  const rows = linesOf().length;
  await expectOnScreen(`window ${rows} `);
  await leaveAndReturn(box);
  await expect.element(strip('Reconnected, no output lost')).toBeVisible();
  await expectOnScreen(`window ${rows} `);
  await expectOnScreen('drawn by the program');
  focusTerminal();
  await userEvent.keyboard('{Control>}c{/Control}');
  // Leaving the alternate screen restores the main one.
  await expectOnScreen('bash full.sh');
  await expectPrompt();
  await page.viewport(1_280, 720);
});

test('the modes of a killed program are switched off', async () => {
  const box = await openNewConsole();
  await run("printf '\\e[?1003h\\e[?1006h'; sleep 1000");
  await expect.poll(() => terminal().element().querySelector('.xterm.enable-mouse-events')).not.toBeNull();
  await box.run('pkill -9 sleep');
  await expect.element(strip('A program ended without restoring the terminal.')).toBeVisible();
  await strip('A program ended').getByRole('button', { name: 'Reset terminal' }).click();
  await leaveAndReturn(box);
  await expectPrompt();
  await userEvent.hover(terminal(), { position: { x: 300, y: 200 }, force: true });
  await userEvent.hover(terminal(), { position: { x: 600, y: 300 }, force: true });
  await run('echo clean-$((40+3))');
  await expectOnScreen(/\$ echo clean-\$\(\(40\+3\)\)\n+clean-43$/m);
  await chooseFromMenu('Reset terminal');
  await expect.element(strip('A program ended')).not.toBeInTheDocument();
});

test('a flood of output leaves the page responsive, and Ctrl-C ends it', async () => {
  await openNewConsole();
  await run("head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo flood-is-$((0+1))-over");
  await expectOnScreen(/^x{50}/m);
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect.element(keys).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await expect.element(keys).not.toBeInTheDocument();
  await expectOnScreen('flood-is-1-over', 1, 60_000);

  await run('clear; yes');
  await expectOnScreen(/^y$/m);
  focusTerminal();
  await userEvent.keyboard('{Control>}c{/Control}');
  // What was under way is drawn first.
  await expectPrompt(1, 60_000);
  await run('echo still-$((5+5))');
  await expectOnScreen('still-10');
});

test('several pasted lines are confirmed and do not run by themselves', async () => {
  await openNewConsole();
  const dialog = page.getByRole('alertdialog', { name: 'Paste 2 lines' });
  paste('echo first-$((1+1))\necho second-$((2+2))\n');
  await expect.element(dialog).toHaveTextContent('echo second-$((2+2))');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect.element(dialog).not.toBeInTheDocument();
  paste('echo first-$((1+1))\necho second-$((2+2))\n');
  await dialog.getByRole('button', { name: 'Paste 2 lines' }).click();
  await expectOnScreen('echo second-$((2+2))');
  expect(screenOf()).not.toContain('first-2');
  await userEvent.keyboard('{Enter}');
  await expectOnScreen(/^first-2$/m);
  await expectOnScreen(/^second-4$/m);

  // One line is pasted without confirmation and without its newline.
  await expectPrompt();
  paste('echo third-$((3+3))\n');
  await expectOnScreen('echo third-$((3+3))');
  await expect.element(page.getByRole('alertdialog')).not.toBeInTheDocument();
  await userEvent.keyboard('{Enter}');
  await expectOnScreen(/^third-6$/m);
});

/** Pastes into the terminal. The clipboard itself is shared with other test files. */
function paste(text: string): void {
  focusTerminal();
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  document.activeElement?.dispatchEvent(
    new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }),
  );
}

test('output shows where links lead, and neither names the tab freely nor types', async () => {
  const box = await Box.create();
  const link = (address: string, text: string) => `\\033]8;;${address}\\033\\\\${text}\\033]8;;\\033\\\\`;
  await box.write(
    'hostile.sh',
    [
      `printf '${link('https://evil.example/steal', 'https://bank.example')}\\n'`,
      `printf '${link('javascript:alert(1)', 'script-link')}\\n'`,
      "printf '\\033]0;\\342\\200\\256<b>title</b>\\007'",
      // A query for the title must not be answered as if the person had typed.
      "printf '\\033[21t'",
      'echo hostile-is-$((0+1))-over',
    ].join('\n'),
  );
  await openConsole(box);
  await run('clear; bash hostile.sh');
  await expectOnScreen('hostile-is-1-over');
  await expectPrompt();
  await expect.element(tab(/bash/)).toHaveAttribute('title', '<b>title</b>');
  expect(lastLine()).toMatch(/\$$/);

  const dialog = page.getByRole('dialog', { name: 'Open link' });
  await clickOnScreen('https://bank.example');
  await expect.element(dialog).toHaveTextContent('https://evil.example/steal');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect.element(dialog).not.toBeInTheDocument();
  await clickOnScreen('script-link');
  // Wait for later output before checking that no dialog has opened.
  await run('echo clicked-$((7*7))');
  await expectOnScreen('clicked-49');
  await expect.element(dialog).not.toBeInTheDocument();
});

/** A layer above the text receives the clicks. */
async function clickOnScreen(text: string): Promise<void> {
  const shown = [...terminal().element().querySelectorAll('.xterm-rows span')].find(
    ({ textContent }) => textContent === text,
  );
  if (shown === undefined) throw new Error(`“${text}” is not on the screen.`);
  const { x, y, width, height } = shown.getBoundingClientRect();
  await commands.clickAt(x + width / 2, y + height / 2);
}
