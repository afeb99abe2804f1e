import { expectAccessible } from './support/accessible';
import { test as base, expect, type Page } from './support/fixtures';
import type { Moru } from './support/moru';

/** `page` is an operator's, `other` an admin's in another browser. */
const test = base.extend<{ other: Page }>({
  page: async ({ page, signIn }, use) => {
    await signIn(page, 'operator');
    await use(page);
  },
  other: async ({ browser, sandkeeper, signIn }, use) => {
    const context = await browser.newContext({ baseURL: sandkeeper.url });
    const page = await context.newPage();
    await signIn(page, 'admin');
    await use(page);
    await context.close();
  },
});

/** The grace period and the time to notice its end. */
const PAUSED_WITHIN_MS = 45_000;

const gate = (page: Page) => page.getByRole('heading', { name: 'Wake the sandbox to read its files' });
const wakeButton = (page: Page) => page.getByRole('button', { name: 'Wake sandbox' });
const banner = (page: Page) => page.getByRole('region', { name: 'Wake' });
const pauseNow = (page: Page) => banner(page).getByRole('button', { name: 'Pause now' });

async function createPaused(moru: Moru): Promise<string> {
  const id = await moru.create();
  await moru.pause(id);
  return id;
}

async function openFiles(page: Page, id: string): Promise<void> {
  await page.goto(`/sandboxes/${id}/files`);
}

async function wake(page: Page): Promise<void> {
  await wakeButton(page).click();
  await expect(banner(page)).toContainText('Awake, pauses again in');
}

const expectState = (moru: Moru, id: string, state: string) =>
  expect.poll(() => moru.stateOf(id), { timeout: PAUSED_WITHIN_MS }).toBe(state);

async function secondsShown(page: Page): Promise<number> {
  const [minutes = 0, seconds = 0] = (await banner(page).getByRole('timer').innerText())
    .split(':')
    .map(Number);
  return minutes * 60 + seconds;
}

async function secondsLeft(moru: Moru, id: string): Promise<number> {
  return ((await moru.find(id))?.endAt.getTime() ?? 0) / 1_000 - Date.now() / 1_000;
}

/** The audit log of a sandbox, newest first: person, action, detail. */
async function accessTo(page: Page, id: string): Promise<string[]> {
  await page.goto(`/operations/access?sandbox=${id}`);
  const rows = page.getByRole('table', { name: 'Access' }).getByRole('row');
  await expect(rows.nth(1)).toBeVisible();
  const texts = await rows.evaluateAll((elements) =>
    elements.slice(1).map((row) => {
      const cells = [...row.querySelectorAll('[role=cell]')].map((cell) => cell.textContent ?? '');
      return [cells[1], cells[2], cells[5]].filter(Boolean).join(' | ');
    }),
  );
  return texts;
}

test.describe('the gate', () => {
  test('explains the effects and wakes the sandbox for the chosen time with a pausing timeout', async ({
    page,
    moru,
  }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(gate(page)).toBeVisible();
    await expect(page.getByRole('main')).toContainText('Its processes continue');
    await expect(page.getByRole('main')).toContainText('It counts toward your limit');
    await expect(page.getByRole('main')).toContainText('Its timeout will pause it instead of killing it');
    await expectAccessible(page, 'the gate');
    expect(await moru.stateOf(id)).toBe('paused');
    await expect(page.getByRole('radio', { name: '15 min' })).toBeChecked();
    await page.getByText('5 min', { exact: true }).click();
    await wake(page);
    await expect(banner(page)).toContainText('Its processes are running. Only you are viewing.');
    expect(await secondsLeft(moru, id)).toBeLessThan(300);
    expect(Math.abs((await secondsShown(page)) - (await secondsLeft(moru, id)))).toBeLessThan(4);
    await expectAccessible(page, 'the banner');
    await banner(page).getByRole('button', { name: 'Extend by 15 minutes' }).click();
    await expect.poll(() => secondsShown(page)).toBeGreaterThan(18 * 60);
    expect(Math.abs((await secondsShown(page)) - (await secondsLeft(moru, id)))).toBeLessThan(4);
    for (const tab of ['Console', 'Run', 'Processes', 'Overview']) {
      await page.getByRole('navigation', { name: 'This sandbox' }).getByRole('link', { name: tab }).click();
      await expect(page).toHaveURL(new RegExp(`${id}(/${tab.toLowerCase()}.*)?$`));
      // The list of viewers comes from the server: it counts each tab, and does not pause under the shell.
      await expect(banner(page)).toContainText('Only you are viewing.');
    }
    // It was created with a timeout that kills.
    await moru.ask('POST', `/sandboxes/${id}/timeout`, { timeout: 0 });
    await expectState(moru, id, 'paused');
  });

  test('is disabled for a viewer', async ({ page, moru, signIn }) => {
    await signIn(page, 'viewer');
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(wakeButton(page)).toBeDisabled();
    await expect(wakeButton(page)).toHaveAccessibleDescription(
      'Requires the operator role. You are signed in as viewer.',
    );
  });
});

test.describe('a wake ends', () => {
  test('at once for every viewer on request', async ({ page, other, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await openFiles(other, id);
    await expect(banner(other)).toContainText('You and operator are viewing.');
    await expect(banner(page)).toContainText('You and admin are viewing.');
    await pauseNow(other).click();
    for (const each of [page, other]) {
      await expect(gate(each)).toBeVisible();
      await expect(each.getByText('Paused again by admin.')).toBeVisible();
    }
    expect(await moru.stateOf(id)).toBe('paused');
    await other.context().close();
    expect(await accessTo(page, id)).toEqual([
      'admin | Paused again | For all viewers',
      'admin | Joined wake',
      'operator | Woke sandbox | For 15 min; its timeout now pauses it',
    ]);
    await expectAccessible(page, 'the record of access');
  });

  test('when the only viewer signs out', async ({ page, moru, sandkeeper }) => {
    // Other tests still need the shared session.
    const { operator } = await sandkeeper.openSessions();
    await page
      .context()
      .addCookies([{ name: sandkeeper.sessionCookieName, value: operator, url: sandkeeper.url }]);
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await page.getByRole('button', { name: /^Account/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/sign-in/);
    await expectState(moru, id, 'paused');
  });

  test('after a server crash, unless a viewer returns', async ({ page, moru, sandkeeper }) => {
    const [watched, left] = [await createPaused(moru), await createPaused(moru)];
    const second = await page.context().newPage();
    await openFiles(page, watched);
    await wake(page);
    await openFiles(second, left);
    await wake(second);
    await sandkeeper.crash();
    await second.close();
    expect(await moru.stateOf(left)).toBe('running');
    await sandkeeper.restart();
    await expectState(moru, left, 'paused');
    await expect(banner(page)).toContainText('Only you are viewing.');
    expect(await moru.stateOf(watched)).toBe('running');
    await pauseNow(page).click();
    await expectState(moru, watched, 'paused');
    expect((await accessTo(page, left))[0]).toBe('Sandkeeper | Paused again | No viewers left');
  });
});
