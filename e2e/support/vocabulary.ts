/** Helpers for the fleet page and its dialogs. */
import { expect, type Locator, type Page } from '@playwright/test';
import type { FleetEvent } from '../../lib/fleet/delta';
import { parseServerFrame } from '../../lib/live/protocol';
import { openLive } from './http';
import { FLEET_ROUTE, LOCAL } from './local';

/** Changes by other clients must be on the screen within this time, unless the machine is busy. */
export const NEWS_WITHIN_MS = 2_000;

/** The time until `isShown` resolves, ms. */
export async function timeOf(isShown: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await isShown();
  return performance.now() - startedMs;
}

/** Opens the fleet page and waits for the sandboxes. `search` is the query string of the URL. */
export async function openFleet(page: Page, search = ''): Promise<void> {
  await readAfresh(page);
  const snapshot = page.waitForResponse(`**${FLEET_ROUTE}`);
  await page.goto(`/sandboxes${search}`);
  await snapshot;
}

/** After a failure of the service, the server waits before it reads again. */
const READ_AFRESH_WITHIN_MS = 12_000;

/**
 * Waits until the server has read the fleet again. Otherwise a page could show sandboxes of the previous test. Does not
 * wait if the service does not answer.
 */
async function readAfresh(page: Page): Promise<void> {
  const beganMs = Date.now();
  const answer = await page.request.get('/api/session');
  if (!answer.ok()) return;
  const { origin } = new URL(answer.url());
  const cookies = await page.context().cookies(origin);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const live = await openLive({ url: origin }, { cookie, origin });
  if (live.status !== 101) return;
  live.send({ type: 'subscribe', channel: 'fleet', key: LOCAL });
  const isFresh = () => live.frames.some((frame) => asOfIn(frame) > beganMs);
  // Unlike the data that the page fetches, the channel also reports readings without changes.
  while (!isFresh() && Date.now() - beganMs < READ_AFRESH_WITHIN_MS)
    await new Promise((resolve) => setTimeout(resolve, 20));
  live.close();
}

/** The time of the reading in a frame of the fleet channel, epoch ms; 0 if the frame has none. */
function asOfIn(frame: string): number {
  const parsed = parseServerFrame(frame);
  return parsed?.type === 'event' ? ((parsed.payload as FleetEvent).status.asOfMs ?? 0) : 0;
}

export function row(page: Page, id: string): Locator {
  return page.getByRole('row', { name: id });
}

export function rows(page: Page): Locator {
  return page.getByRole('row').filter({ has: page.getByRole('gridcell') });
}

export async function expectRow(page: Page, id: string, text?: string): Promise<void> {
  await expect(row(page, id)).toBeVisible();
  if (text !== undefined) await expect(row(page, id)).toContainText(text);
}

export async function expectNoRow(page: Page, id: string): Promise<void> {
  // Rows behind an open dialog count, too.
  await expect(page.getByRole('row', { name: id, includeHidden: true })).toHaveCount(0);
}

export function checkboxOf(page: Page, id: string): Locator {
  return page.getByRole('checkbox', { name: `Select ${id}` });
}

export function headCheckbox(page: Page): Locator {
  return page.getByRole('checkbox', { name: 'Select all matching' });
}

/** The toolbar over the rows while some are selected. */
export function dock(page: Page): Locator {
  return page.getByRole('region', { name: 'Selection' });
}

/** Moves the pointer off the rows, which keep their order beneath it. */
export async function lookAway(page: Page): Promise<void> {
  await page.mouse.move(2, 2);
}

/** Opens the menu of a row. */
async function openRowMenu(page: Page, id: string): Promise<Locator> {
  await row(page, id)
    .getByRole('button', { name: `Actions for ${id}` })
    .click();
  const menu = page.getByRole('menu');
  await expect(menu).toBeVisible();
  return menu;
}

/** Chooses an action from the menu of a row, such as `Kill…`. */
export async function chooseRowAction(page: Page, id: string, action: string): Promise<void> {
  const menu = await openRowMenu(page, id);
  await menu.getByRole('menuitem', { name: action }).click();
  await lookAway(page);
}

export function killDialog(page: Page, id: string): Locator {
  return page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
}

/** Opens the kill dialog from the row and waits until it has read the sandbox again. */
export async function askToKill(page: Page, id: string): Promise<Locator> {
  await chooseRowAction(page, id, 'Kill…');
  const dialog = killDialog(page, id);
  await expect(dialog.getByRole('button', { name: 'Kill sandbox' })).toBeEnabled();
  return dialog;
}

/** Accepts the defaults of the resume dialog with Enter. */
export async function acceptResume(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Resume / });
  await expect(dialog.getByRole('button', { name: /^Resume/ })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
}

export function filterBox(page: Page): Locator {
  return page.getByRole('combobox', { name: 'Filter sandboxes' });
}

/** Replaces the text of the filter. */
export async function filter(page: Page, text: string): Promise<void> {
  const clear = page.getByRole('button', { name: 'Clear filter' }).first();
  if (await clear.isVisible()) await clear.click();
  await filterBox(page).fill(text);
  await page.keyboard.press('Enter');
}

/** The ids of the visible rows, from top to bottom. */
export async function idsInOrder(page: Page): Promise<string[]> {
  const shown = await rows(page).evaluateAll((elements) =>
    elements.map((element) => ({
      at: Number(element.getAttribute('aria-rowindex')),
      id: element.querySelector('a')?.textContent ?? '',
    })),
  );
  return shown.sort((a, b) => a.at - b.at).map(({ id }) => id);
}

export function toast(page: Page, text: string | RegExp): Locator {
  return page.getByRole('listitem').filter({ hasText: text });
}

/** Expects that no text, tooltip or accessible name on the page contains an invisible or reordering character. */
export async function expectMarked(page: Page): Promise<void> {
  const deceiving = await page.evaluate(() => {
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node instanceof Text && node.parentElement?.closest('script, style') == null) texts.push(node.data);
      else if (node instanceof Element)
        for (const name of ['title', 'aria-label', 'alt']) texts.push(node.getAttribute(name) ?? '');
    }
    return texts.filter((text) => /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(text));
  });
  expect(deceiving, 'texts with unmarked invisible characters').toEqual([]);
}
