import { expect } from 'vitest';
import { commands, type Locator, page, userEvent } from 'vitest/browser';
import { openPage } from './page';
import { Box } from './sandboxes';

/** Terminals of the console page, in component tests. */

declare module 'vitest/browser' {
  interface BrowserCommands {
    typeText: (text: string) => Promise<void>;
    insertText: (text: string) => Promise<void>;
    clickAt: (x: number, y: number) => Promise<void>;
    cutWire: (name: string, cut?: 'whole' | 'sockets') => Promise<void>;
    mendWire: (name: string) => Promise<void>;
  }
}

/** A terminal by its number. */
export const terminal = (number = 1): Locator =>
  page.getByRole('region', { name: `Terminal ${number}`, exact: true });

export const strip = (hasText: string | RegExp): Locator => page.getByRole('status').filter({ hasText });

export const tab = (name: string | RegExp): Locator =>
  page.getByRole('tablist', { name: 'Consoles' }).getByRole('tab', { name });

/** The visible lines of a terminal. */
export function linesOf(number = 1): string[] {
  const rows = terminal(number).query()?.querySelectorAll('.xterm-rows > div') ?? [];
  return [...rows].map(({ textContent }) => (textContent ?? '').replaceAll('\u00a0', ' ').trimEnd());
}

export const screenOf = (number = 1): string => linesOf(number).join('\n');

/** Waits until the screen contains `text`. */
export async function expectOnScreen(text: string | RegExp, number = 1, timeout = 60_000): Promise<void> {
  const pattern = typeof text === 'string' ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : text;
  await expect.poll(() => screenOf(number), { timeout }).toMatch(pattern);
}

/** Waits until the last line on the screen is a prompt. */
export async function expectPrompt(number = 1, timeout = 60_000): Promise<void> {
  await expect.poll(() => lastLine(number), { timeout }).toMatch(/[$#]$/);
}

export const lastLine = (number = 1): string => linesOf(number).findLast((line) => line !== '') ?? '';

/** The element of a terminal that receives the keys. */
export const inputOf = (number = 1): Locator =>
  terminal(number).getByRole('textbox', { name: 'Terminal input' });

export function focusTerminal(number = 1): void {
  (inputOf(number).element() as HTMLElement).focus();
}

/** Types a command and presses Enter. */
export async function run(command: string, number = 1): Promise<void> {
  focusTerminal(number);
  await commands.typeText(command);
  await userEvent.keyboard('{Enter}');
}

/** Opens the console page of a sandbox and waits for the prompt of its shell. */
export async function openConsole(box: Box): Promise<void> {
  await openPage(box.page('console'), { role: 'operator' });
  await expectPrompt();
}

/** Opens the console page of a new sandbox. */
export async function openNewConsole(): Promise<Box> {
  const box = await Box.create();
  await openConsole(box);
  return box;
}

/** Shows another page and then the console page again. */
export async function leaveAndReturn(box: Box): Promise<void> {
  await openPage(box.page('run'), { role: 'operator' });
  await openPage(box.page('console'), { role: 'operator' });
}

/** Chooses from the menu of the toolbar. */
export async function chooseFromMenu(act: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: act }).click();
}
