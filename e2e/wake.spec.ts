import { expectAccessible } from './support/accessible';
import { test as base, expect, type Page } from './support/fixtures';
import type { Moru } from './support/moru';
import { toast } from './support/vocabulary';

/** `other`: a page of an admin, in another browser than `page`, which is an operator's. */
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

/** The grace for whoever comes back, and the time to notice that nobody did. */
const PAUSED_WITHIN_MS = 45_000;

const gate = (page: Page) =>
  page.getByRole('heading', { name: 'Its files cannot be read while it is paused' });
const wakeButton = (page: Page) => page.getByRole('button', { name: 'Wake for review' });
const banner = (page: Page) => page.getByRole('region', { name: 'Review' });
const pauseNow = (page: Page) => banner(page).getByRole('button', { name: 'Pause again now' });

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
  await expect(banner(page)).toContainText('Awake for review, pauses again in');
}

const expectState = (moru: Moru, id: string, state: string) =>
  expect.poll(() => moru.stateOf(id), { timeout: PAUSED_WITHIN_MS }).toBe(state);

/** Seconds that the banner counts down. */
async function secondsShown(page: Page): Promise<number> {
  const [minutes = 0, seconds = 0] = (await banner(page).getByRole('timer').innerText())
    .split(':')
    .map(Number);
  return minutes * 60 + seconds;
}

async function secondsLeft(moru: Moru, id: string): Promise<number> {
  return ((await moru.find(id))?.endAt.getTime() ?? 0) / 1_000 - Date.now() / 1_000;
}

/** The record of access to a sandbox, newest first: who, what and more. */
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
  test('says what reading takes before anything is woken', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(gate(page)).toBeVisible();
    await expect(page.getByRole('main')).toContainText('Its processes run again meanwhile');
    await expect(page.getByRole('main')).toContainText('It uses a slot of the quota');
    await expect(page.getByRole('main')).toContainText('its time-out pauses it instead of killing it');
    await expectAccessible(page, 'the gate');
    expect(await moru.stateOf(id)).toBe('paused');
  });

  test('wakes it for as long as was chosen, so that it pauses by itself', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(page.getByRole('radio', { name: '15 min' })).toBeChecked();
    await page.getByText('5 min', { exact: true }).click();
    await wake(page);
    await expect(banner(page)).toContainText('Its processes are running meanwhile. Only you are looking.');
    expect(await secondsLeft(moru, id)).toBeLessThan(300);
    expect(Math.abs((await secondsShown(page)) - (await secondsLeft(moru, id)))).toBeLessThan(4);
    await expectAccessible(page, 'the banner');
    await banner(page).getByRole('button', { name: 'Extend the review by 15 minutes' }).click();
    await expect.poll(() => secondsShown(page)).toBeGreaterThan(18 * 60);
    expect(Math.abs((await secondsShown(page)) - (await secondsLeft(moru, id)))).toBeLessThan(4);
    // It was created to be killed at its time-out, and is paused now.
    await moru.ask('POST', `/sandboxes/${id}/timeout`, { timeout: 0 });
    await expectState(moru, id, 'paused');
  });

  test('does not open to a viewer', async ({ page, moru, signIn }) => {
    await signIn(page, 'viewer');
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(wakeButton(page)).toBeDisabled();
    await expect(page.getByText('This needs the role operator; you are signed in as viewer.')).toBeVisible();
  });

  test('says when as many run as may', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await moru.addFault({ route: 'POST /sandboxes/*/resume', status: 429 });
    await openFiles(page, id);
    await wakeButton(page).click();
    await expect(page.getByRole('alert').filter({ hasText: 'limit' })).toHaveText(
      'The limit of concurrently running sandboxes is reached. Pause or kill one first.',
    );
    await expect(wakeButton(page)).toBeEnabled();
  });

  test('leaves alone what somebody else has woken in the same moment', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await expect(wakeButton(page)).toBeEnabled();
    await moru.addFault({ route: 'POST /sandboxes/*/resume', latencyMs: 1_500 });
    await wakeButton(page).click();
    await moru.connect(id);
    const { endAt } = (await moru.find(id)) ?? {};
    await expect(toast(page, 'Somebody else has woken it')).toContainText(
      'Sandkeeper will neither pause it nor move its deadline.',
    );
    await expect(banner(page)).toBeHidden();
    await expect(gate(page)).toBeHidden();
    expect(await moru.find(id)).toMatchObject({ state: 'running', endAt });
  });
});

test.describe('a review ends', () => {
  test('when somebody says so, at once and for everybody', async ({ page, other, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await openFiles(other, id);
    await expect(banner(other)).toContainText('You and operator are looking.');
    await expect(banner(page)).toContainText('You and admin are looking.');
    await pauseNow(other).click();
    for (const each of [page, other]) {
      await expect(gate(each)).toBeVisible();
      await expect(each.getByText('admin paused it again.')).toBeVisible();
    }
    expect(await moru.stateOf(id)).toBe('paused');
    await other.context().close();
    expect(await accessTo(page, id)).toEqual([
      'admin | Paused it again | At once, for everybody',
      'admin | Joined the review',
      'operator | Woke it for review | For 15 min; its time-out pauses it from now on',
    ]);
    await expectAccessible(page, 'the record of access');
  });

  test('when the last one leaves, and not before', async ({ page, other, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await openFiles(other, id);
    await expect(banner(other)).toBeVisible();
    // By the way of the page's own links: no document is unloaded.
    await page.getByRole('link', { name: 'Sandboxes', exact: true }).first().click();
    await expect(banner(other)).toContainText('Only you are looking.');
    await other.reload();
    await other.waitForTimeout(18_000);
    await expect(banner(other)).toContainText('Only you are looking.');
    expect(await moru.stateOf(id)).toBe('running');
    await other.context().close();
    await expectState(moru, id, 'paused');
    await openFiles(page, id);
    await expect(page.getByText('It was paused again: nobody was looking any more.')).toBeVisible();
    expect((await accessTo(page, id)).slice(0, 4)).toEqual([
      'Sandkeeper | Paused it again | Nobody was looking any more',
      'admin | Left the review',
      'operator | Left the review',
      'admin | Joined the review',
    ]);
  });

  test('when the one who looks signs out', async ({ page, moru, sandkeeper }) => {
    // Signing out ends the session, which other tests go on with: this one gets its own.
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

  test('when its time is up', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await moru.ask('POST', `/sandboxes/${id}/timeout`, { timeout: 8 });
    await expect(banner(page).getByRole('status')).toHaveText('It pauses again in less than a minute.');
    await expect(gate(page)).toBeVisible();
    await expect(page.getByText('It was paused again: its time was up.')).toBeVisible();
    expect(await moru.stateOf(id)).toBe('paused');
  });

  test('although the server was killed: at its next start, unless somebody is back', async ({
    page,
    moru,
    sandkeeper,
  }) => {
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
    await expect(banner(page)).toContainText('Only you are looking.');
    expect(await moru.stateOf(watched)).toBe('running');
    await pauseNow(page).click();
    await expectState(moru, watched, 'paused');
    expect((await accessTo(page, left))[0]).toBe(
      'Sandkeeper | Paused it again | Nobody was looking any more',
    );
  });

  test('where the service fails to pause it, by trying again', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await moru.addFault({ route: 'POST /sandboxes/*/pause', status: 500, count: 2 });
    await pauseNow(page).click();
    await expect(toast(page, 'It is not paused again')).toContainText('this is tried again');
    await expect(banner(page)).toContainText('Pausing again… operator asked for it. It has not worked yet');
    await expect(gate(page)).toBeVisible();
    expect(await moru.stateOf(id)).toBe('paused');
  });
});

test.describe('another client', () => {
  test('that takes the sandbox keeps it', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await moru.pause(id);
    await moru.connect(id);
    await expect(banner(page)).toContainText(
      'The review is over. It was paused and resumed meanwhile by other means. You can go on reading; Sandkeeper will neither pause it nor move its deadline.',
    );
    await page.goto('/sandboxes');
    await page.waitForTimeout(20_000);
    expect(await moru.stateOf(id)).toBe('running');
    expect((await accessTo(page, id))[0]).toMatch(/^Sandkeeper \| Ended the review/);
  });

  test('that pauses it ends the review', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await moru.pause(id);
    await expect(gate(page)).toBeVisible();
    await expect(page.getByText('It was paused meanwhile by other means.')).toBeVisible();
  });

  test('that kills it ends the review', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await openFiles(page, id);
    await wake(page);
    await moru.kill(id);
    await expect(banner(page)).toBeHidden();
    await expect(gate(page)).toBeHidden();
    expect((await accessTo(page, id))[0]).toBe('Sandkeeper | Ended the review | It was terminated');
  });

  test('that woke it in the same moment is noticed by the deadline', async ({ page, moru }) => {
    const id = await createPaused(moru);
    await moru.addFault({ route: 'POST /sandboxes/*/resume', effect: 'lose-race', count: 1 });
    await openFiles(page, id);
    await wakeButton(page).click();
    await expect(banner(page)).toContainText('Another client started it in the same moment');
    expect((await secondsLeft(moru, id)) - (await secondsShown(page))).toBeGreaterThan(55);
    await pauseNow(page).click();
    await expectState(moru, id, 'paused');
  });
});
