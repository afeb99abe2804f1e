import { expect, test } from './support/fixtures';
import { askToKill, expectNoRow, expectRow, openFleet, row, rowAct, toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

/** The server waits a little longer after each failure before it asks again. */
const BACK_WITHIN_MS = 20_000;

test('while the engine is away the rows stay and say how old they are; it comes back by itself', async ({
  page,
  moru,
  sandkeeper,
}) => {
  const running = await moru.create({ metadata: { owner: 'ana' } });
  const paused = await moru.create();
  await moru.pause(paused);
  await openFleet(page);
  await expectRow(page, paused, 'Paused');
  const banner = page.getByRole('status').filter({ hasText: 'What you see is' });
  await expect(banner).toHaveCount(0);

  await sandkeeper.engine.stop();
  await expect(banner).toContainText('cannot be reached');
  await expect(banner).toContainText(/What you see is [5-9]s old/, { timeout: BACK_WITHIN_MS });
  await expectRow(page, running, 'Running');
  await expectRow(page, paused, 'Paused');

  // A page opened meanwhile shows the same, and an act says that it could not be done.
  await page.reload();
  await expect(banner).toBeVisible();
  await expectRow(page, running, 'owner=ana');
  await rowAct(page, running, 'Pause');
  await expect(toast(page, `Could not pause ${running}`)).toContainText('cannot be reached');

  await sandkeeper.engine.start();
  await expect(banner).toHaveCount(0, { timeout: BACK_WITHIN_MS });
  await expectRow(page, running, 'Running');
  await expectRow(page, paused, 'Paused');
  expect(await moru.stateOf(running)).toBe('running');
  expect(await moru.stateOf(paused)).toBe('paused');
});

for (const [what, fault, said] of [
  ['errors', { status: 500 }, 'cannot be reached or has a problem'],
  ['resets', { reset: true }, 'cannot be reached or has a problem'],
  ['rate limits', { status: 429, retryAfterSeconds: 1 }, 'received too many requests'],
  ['a refused key', { status: 401 }, 'refused the API key'],
] as const) {
  test(`${what} from the list are said and forgotten once it answers`, async ({ page, moru }) => {
    const id = await moru.create();
    await openFleet(page);
    await expectRow(page, id);
    await moru.addFault({ route: 'GET /v2/sandboxes', ...fault });
    const banner = page.getByRole('status').filter({ hasText: said });
    await expect(banner).toBeVisible();
    await expectRow(page, id, 'Running');
    await moru.clearFaults();
    await expect(banner).toHaveCount(0, { timeout: BACK_WITHIN_MS });
  });
}

test('a list that repeats itself is not taken for the whole', async ({ page, moru }) => {
  await moru.createMany(250, () => ({ owner: 'ana' }));
  await openFleet(page);
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', '251');
  await moru.addFault({ route: 'GET /v2/sandboxes', effect: 'repeat-cursor' });
  await expect(page.getByRole('status').filter({ hasText: 'the same page' })).toBeVisible();
  await expect(page.getByRole('grid')).toHaveAttribute('aria-rowcount', '251');
});

test('a failure to look before a kill kills nothing', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  await moru.addFault({ route: 'GET /sandboxes/*', status: 503 });
  await rowAct(page, id, 'Kill…');
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByRole('alert')).toContainText('cannot be reached');
  await expect(dialog.getByRole('button', { name: 'Check again' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Kill sandbox' })).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await moru.listIds()).includes(id)).toBe(true);
});

test('a kill that could not be verified is neither called done nor failed', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const dialog = await askToKill(page, id);
  await moru.addFault({ route: 'DELETE /sandboxes/*', latencyMs: 4_000 });
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  // It is on its way once the cancel window is over.
  await expect.poll(() => moru.faultsFired('DELETE /sandboxes/*')).toBe(1);
  await expect(row(page, id)).toContainText('Killing…');
  await moru.addFault({ route: 'GET /sandboxes/*', status: 503 });
  await expect(toast(page, id)).toContainText('could not be verified');
  await expectNoRow(page, id);
});
