import { expectAccessible } from './support/accessible';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import type { Moru } from './support/moru';

/** The grace period and the time to notice its end. */
const PAUSED_WITHIN_MS = 45_000;

const gate = (page: Page) => page.getByRole('heading', { name: 'Wake the sandbox to read its files' });
const banner = (page: Page) => page.getByRole('region', { name: 'Wake' });

async function wake(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Wake sandbox' }).click();
  await expect(banner(page)).toContainText('Awake, pauses again in');
}

const expectState = (moru: Moru, id: string, state: string) =>
  expect.poll(() => moru.stateOf(id), { timeout: PAUSED_WITHIN_MS }).toBe(state);

/** The audit log of a sandbox, newest first: person, action, detail. */
async function accessTo(page: Page, id: string): Promise<string[]> {
  await page.goto(`/operations/access?sandbox=${id}`);
  const rows = page.getByRole('table', { name: 'Access' }).getByRole('row');
  await expect(rows.nth(1)).toBeVisible();
  return rows.evaluateAll((elements) =>
    elements.slice(1).map((row) => {
      const cells = [...row.querySelectorAll('[role=cell]')].map((cell) => cell.textContent ?? '');
      return [cells[1], cells[2], cells[5]].filter(Boolean).join(' | ');
    }),
  );
}

test('a wake is shared, ends at once for all its viewers, and ends when the last one signs out', async ({
  page,
  browser,
  moru,
  sandkeeper,
  signIn,
}) => {
  // Other tests still need the shared session.
  const { operator } = await sandkeeper.openSessions();
  await page
    .context()
    .addCookies([{ name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url }]);
  const context = await browser.newContext({ baseURL: sandkeeper.url });
  const other = await context.newPage();
  await signIn(other, 'admin');
  const id = await moru.create();
  await moru.pause(id);
  await page.goto(`${pageOf(id)}/files`);
  await wake(page);
  await other.goto(`${pageOf(id)}/files`);
  await expect(banner(other)).toContainText('You and operator are viewing.');
  await expect(banner(page)).toContainText('You and admin are viewing.');
  await banner(other).getByRole('button', { name: 'Pause now' }).click();
  for (const each of [page, other]) {
    await expect(gate(each)).toBeVisible();
    await expect(each.getByText('Paused again by admin.')).toBeVisible();
  }
  expect(await moru.stateOf(id)).toBe('paused');
  expect(await accessTo(other, id)).toEqual([
    'admin | Paused again | For all viewers',
    'admin | Joined wake',
    'operator | Woke sandbox | For 15 min; its timeout now pauses it',
  ]);
  await expectAccessible(other, 'the record of access');
  await context.close();

  await wake(page);
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/sign-in/);
  await expectState(moru, id, 'paused');
});
