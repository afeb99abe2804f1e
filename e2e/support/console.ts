/** Helpers for console terminals. */
import { expect, type Locator, type Page } from '@playwright/test';
import { pageOf } from './local';

/** A terminal by its number. */
export function terminal(page: Page, number = 1): Locator {
  return page.getByRole('region', { name: `Terminal ${number}`, exact: true });
}

/** The visible lines of a terminal. */
export async function linesOf(page: Page, number = 1): Promise<string[]> {
  const rows = terminal(page, number).locator('.xterm-rows > div');
  return (await rows.allInnerTexts()).map((line) => line.replaceAll('\u00a0', ' ').trimEnd());
}

/** Waits until the screen contains `text`. */
export async function expectOnScreen(page: Page, text: string | RegExp, number = 1): Promise<void> {
  await expect
    .poll(async () => (await linesOf(page, number)).join('\n'), { timeout: 60_000 })
    .toMatch(typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text);
}

/** Opens the console page and waits for the prompt of its shell. */
export async function openConsole(page: Page, sandboxId: string): Promise<void> {
  await page.goto(`${pageOf(sandboxId)}/console`);
  await expectPrompt(page);
}

/** Waits until the last line on the screen is a prompt. */
export async function expectPrompt(page: Page, number = 1): Promise<void> {
  await expect
    .poll(async () => (await linesOf(page, number)).filter((line) => line !== '').at(-1) ?? '', {
      timeout: 60_000,
    })
    .toMatch(/[$#]$/);
}

/** The element of a terminal that receives the keys. */
export function inputOf(page: Page, number = 1): Locator {
  return terminal(page, number).getByRole('textbox', { name: 'Terminal input' });
}

export async function focusTerminal(page: Page, number = 1): Promise<void> {
  await inputOf(page, number).focus();
}

/** Types a command and presses Enter. */
export async function run(page: Page, command: string, number = 1): Promise<void> {
  await focusTerminal(page, number);
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}
