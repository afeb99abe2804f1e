import { expectOnScreen, openConsole, run } from './support/console';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import type { Moru } from './support/moru';

/** What people see when the server crashes and starts again. */

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

/** The grace period and the time to notice its end. */
const PAUSED_WITHIN_MS = 45_000;

const strip = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text });
const banner = (page: Page) => page.getByRole('region', { name: 'Wake' });

async function createPaused(moru: Moru): Promise<string> {
  const id = await moru.create();
  await moru.pause(id);
  return id;
}

async function wake(page: Page, id: string): Promise<void> {
  await page.goto(`${pageOf(id)}/files`);
  await page.getByRole('button', { name: 'Wake sandbox' }).click();
  await expect(banner(page)).toContainText('Awake, pauses again in');
}

const expectState = (moru: Moru, id: string, state: string) =>
  expect.poll(() => moru.stateOf(id), { timeout: PAUSED_WITHIN_MS }).toBe(state);

async function countShells(moru: Moru, id: string): Promise<number> {
  const sandbox = await moru.handle(id);
  return (await sandbox.commands.list()).filter(({ cmd }) => cmd === '/bin/bash').length;
}

test('a crash ends consoles, whose orphaned shells are killed, and the wakes that nobody watches', async ({
  page,
  context,
  moru,
  sandkeeper,
}) => {
  const [shared, watched, left] = [await moru.create(), await createPaused(moru), await createPaused(moru)];
  const [second, third] = [await context.newPage(), await context.newPage()];
  await wake(second, watched);
  await wake(third, left);
  await openConsole(page, shared);
  await run(page, 'echo before-$((1+1))');
  await expectOnScreen(page, 'before-2');

  await sandkeeper.crash();
  await expect(strip(page, 'The shell keeps running; input is disabled.')).toBeVisible();
  await third.close();
  expect(await moru.stateOf(left)).toBe('running');
  await sandkeeper.restart();

  await expect(strip(page, 'This console has ended.')).toBeVisible({ timeout: 30_000 });
  await expectOnScreen(page, 'before-2');
  await page.getByRole('button', { name: 'Open new shell' }).click();
  await expect(strip(page, 'This console has ended.')).toHaveCount(0);
  await expect.poll(() => countShells(moru, shared)).toBe(1);

  await expectState(moru, left, 'paused');
  await expect(banner(second)).toContainText('Only you are viewing.');
  expect(await moru.stateOf(watched)).toBe('running');
  await banner(second).getByRole('button', { name: 'Pause now' }).click();
  await expectState(moru, watched, 'paused');
  await page.goto(`/operations/access?sandbox=${left}`);
  const latest = page.getByRole('table', { name: 'Access' }).getByRole('row').nth(1);
  await expect(latest).toContainText('Sandkeeper');
  await expect(latest).toContainText('Paused again');
  await expect(latest).toContainText('No viewers left');
});
