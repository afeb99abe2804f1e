import { expect, test } from './support/fixtures';
import { chooseRowAction, expectRow, openFleet, toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

/** The server waits longer after each failure. */
const BACK_WITHIN_MS = 20_000;

test('keeps the rows with their age while the engine is down, and recovers', async ({
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

  // A new page shows the same, and an action reports its failure.
  await page.reload();
  await expect(banner).toBeVisible();
  await expectRow(page, running, 'owner=ana');
  await chooseRowAction(page, running, 'Pause');
  await expect(toast(page, `Could not pause ${running}`)).toContainText('cannot be reached');

  await sandkeeper.engine.start();
  await expect(banner).toHaveCount(0, { timeout: BACK_WITHIN_MS });
  await expectRow(page, running, 'Running');
  await expectRow(page, paused, 'Paused');
  expect(await moru.stateOf(running)).toBe('running');
  expect(await moru.stateOf(paused)).toBe('paused');
});
