/** What a person does and sees, by the names that they see. */
import { expect, type Locator, type Page } from '@playwright/test';
import type { FleetEvent } from '../../lib/fleet/delta';
import { parseServerFrame } from '../../lib/live/protocol';
import { openLive } from './http';

/** News from elsewhere must be on the screen within this time, unless the machine is busy. */
export const NEWS_WITHIN_MS = 2_000;

/** How long the screen takes until `isShown` holds, in ms. */
export async function timeOf(isShown: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await isShown();
  return performance.now() - startedMs;
}

/** Opens the fleet, `search` being the part of the address after the path, and waits until it is live. */
export async function openFleet(page: Page, search = ''): Promise<void> {
  await readAfresh(page);
  const snapshot = page.waitForResponse('**/api/fleet');
  await page.goto(`/sandboxes${search}`);
  await snapshot;
}

/** After a service that failed, the next reading comes only after a while. */
const READ_AFRESH_WITHIN_MS = 12_000;

/**
 * Waits until the server has read the fleet again: a page opened just after another test would begin with what that one
 * has left, and be counted on. Where the service does not answer, there is nothing to wait for.
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
  live.send({ type: 'subscribe', channel: 'fleet' });
  const isFresh = () => live.frames.some((frame) => asOfIn(frame) > beganMs);
  // The channel tells of readings that found nothing new, too; what the page fetches does not.
  while (!isFresh() && Date.now() - beganMs < READ_AFRESH_WITHIN_MS)
    await new Promise((resolve) => setTimeout(resolve, 20));
  live.close();
}

/** When the reading was asked for that a frame of the fleet's channel is about, epoch ms; 0 if it says nothing of that. */
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
  // Behind an open dialog there are rows too.
  await expect(page.getByRole('row', { name: id, includeHidden: true })).toHaveCount(0);
}

/** The checkbox of a row. */
export function checkboxOf(page: Page, id: string): Locator {
  return page.getByRole('checkbox', { name: `Select ${id}` });
}

/** The checkbox in the head of the grid. */
export function headCheckbox(page: Page): Locator {
  return page.getByRole('checkbox', { name: 'Select all matching' });
}

/** What floats over the rows while some are selected. */
export function dock(page: Page): Locator {
  return page.getByRole('region', { name: 'Selection' });
}

/** Takes the pointer off the rows, which stand still beneath it. */
export async function lookAway(page: Page): Promise<void> {
  await page.mouse.move(2, 2);
}

/** Opens the menu of a row. */
export async function openRowMenu(page: Page, id: string): Promise<Locator> {
  await row(page, id)
    .getByRole('button', { name: `Actions for ${id}` })
    .click();
  const menu = page.getByRole('menu');
  await expect(menu).toBeVisible();
  return menu;
}

/** Chooses an act from the menu of a row, such as `Kill…`. */
export async function rowAct(page: Page, id: string, act: string): Promise<void> {
  const menu = await openRowMenu(page, id);
  await menu.getByRole('menuitem', { name: act }).click();
  await lookAway(page);
}

export function killDialog(page: Page, id: string): Locator {
  return page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
}

/** Opens the kill dialog from the row and waits until it has read the sandbox afresh. */
export async function askToKill(page: Page, id: string): Promise<Locator> {
  await rowAct(page, id, 'Kill…');
  const dialog = killDialog(page, id);
  await expect(dialog.getByRole('button', { name: 'Kill sandbox' })).toBeEnabled();
  return dialog;
}

/** Answers the dialog that asks for how long to resume as it stands, by Enter. */
export async function acceptResume(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Resume / });
  await expect(dialog.getByRole('button', { name: /^Resume/ })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
}

export function filterBox(page: Page): Locator {
  return page.getByRole('combobox', { name: 'Filter sandboxes' });
}

/** Replaces the filter, as somebody who types it. */
export async function filter(page: Page, text: string): Promise<void> {
  const clear = page.getByRole('button', { name: 'Clear filter' }).first();
  if (await clear.isVisible()) await clear.click();
  await filterBox(page).fill(text);
  await page.keyboard.press('Enter');
}

/** The ids of the rows in sight, from top to bottom. */
export async function idsInOrder(page: Page): Promise<string[]> {
  const shown = await rows(page).evaluateAll((elements) =>
    elements.map((element) => ({
      at: Number(element.getAttribute('aria-rowindex')),
      id: element.querySelector('a')?.textContent ?? '',
    })),
  );
  return shown.sort((a, b) => a.at - b.at).map(({ id }) => id);
}

/** What a toast says. */
export function toast(page: Page, text: string | RegExp): Locator {
  return page.getByRole('listitem').filter({ hasText: text });
}
