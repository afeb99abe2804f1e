import type { Browser, Locator, Page } from '@playwright/test';
import { Sandkeeper } from './support/deployment';
import { expect, test } from './support/fixtures';
import { Moru } from './support/moru';
import {
  checkboxOf,
  chooseRowAction,
  dock,
  expectNoRow,
  expectRow,
  filter,
  headCheckbox,
  lookAway,
  openFleet,
  rows,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

const DEVELOPMENT = { environment: 'development' };
const PRODUCTION = { environment: 'production' };
/** Verifying a kill can take the service a while. */
const ENDED_WITHIN_MS = 30_000;

/** The row of an operation in the tray, which also shows operations of other tests. */
function line(page: Page, title: string): Locator {
  return page
    .getByRole('region', { name: 'Running operations' })
    .getByRole('listitem')
    .filter({ hasText: title });
}

function dialogOf(page: Page): Locator {
  return page.getByRole('alertdialog', { name: /^Kill / });
}

function phraseField(dialog: Locator): Locator {
  return dialog.getByRole('textbox', { name: /^Type / });
}

function killButton(dialog: Locator): Locator {
  return dialog.getByRole('button', { name: /^Kill \d+ sandbox/ });
}

function whoWillGo(dialog: Locator): Locator {
  return dialog.getByRole('region', { name: 'Sandboxes to kill' }).getByRole('listitem');
}

/** Filters, selects all `count` matches, opens the kill dialog and waits until it has read the sandboxes. */
async function askToKillAll(page: Page, text: string, count: number): Promise<Locator> {
  await filter(page, text);
  await expect(rows(page)).toHaveCount(count);
  await headCheckbox(page).check();
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  await lookAway(page);
  const dialog = dialogOf(page);
  await expect(dialog).toContainText(/will be killed|nothing to kill/);
  return dialog;
}

async function createMany(moru: Moru, metadataList: readonly Record<string, string>[]): Promise<string[]> {
  const ids: string[] = [];
  for (const metadata of metadataList) ids.push(await moru.create({ metadata }));
  return ids;
}

test('filters, selects all matches and kills exactly the sandboxes in the plan', async ({ page, moru }) => {
  const doomed = await createMany(moru, [
    { ...DEVELOPMENT, team: 'agents', run: '1' },
    { ...DEVELOPMENT, team: 'agents', run: '2' },
    { ...DEVELOPMENT, team: 'evals', run: '3' },
  ]);
  const [paused = ''] = doomed;
  await moru.pause(paused);
  const kept = await createMany(moru, [PRODUCTION, PRODUCTION]);
  await openFleet(page);
  // Selected sandboxes that the filter hides are left out.
  await checkboxOf(page, kept[0] ?? '').click();
  const dialog = await askToKillAll(page, 'environment=development', 3);

  await expect(dialog).toHaveAccessibleName('Kill 3 sandboxes');
  await expect(dialog).toContainText('3 will be killed');
  await expect(dialog).toContainText('2 running · 1 paused');
  await expect(dialog).toContainText('All are base environment=development');
  await expect(dialog).toContainText(/By team\s*agents\s*2\s*evals\s*1/);
  await expect(dialog).toContainText('This cannot be undone.');
  await expect(dialog).not.toContainText('skipped');
  await expect(whoWillGo(dialog)).toHaveCount(3);
  for (const id of doomed) await expect(whoWillGo(dialog).filter({ hasText: id })).toHaveCount(1);
  await expect(dialog.getByRole('button', { name: 'Pause 2 instead' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();

  await expect(killButton(dialog)).toBeDisabled();
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('nightly leftovers');
  await phraseField(dialog).fill('kill 3');
  await killButton(dialog).click();
  await expect(dialog).toBeHidden();
  await expect(line(page, 'Kill 3 sandboxes')).toContainText('3 killed, verified', {
    timeout: ENDED_WITHIN_MS,
  });
  for (const id of doomed) expect(await moru.find(id)).toBeNull();
  for (const id of kept) expect(await moru.stateOf(id)).toBe('running');

  await page.goto('/operations');
  await expect(page.getByRole('table', { name: 'Operations' })).toContainText('nightly leftovers');
  await expect(page.getByRole('table', { name: 'Operations' })).toContainText('environment=development');
});

test('starts on Enter only in the confirmation field and with the right text', async ({ page, moru }) => {
  const ids = await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  await openFleet(page);
  const dialog = await askToKillAll(page, 'environment=development', 2);
  for (const wrong of ['', 'kill', 'kill 3', 'KILL 2', 'kill 2 sandboxes']) {
    await phraseField(dialog).fill(wrong);
    await page.keyboard.press('Enter');
    await expect(killButton(dialog)).toBeDisabled();
  }
  await phraseField(dialog).fill('kill 2');
  await expect(killButton(dialog)).toBeEnabled();
  await dialog.getByRole('textbox', { name: 'Reason' }).press('Enter');
  await dialog.getByRole('checkbox', { name: 'Stop processes first' }).press('Enter');
  await expect(dialog).toBeVisible();
  await expect(line(page, 'sandboxes')).toHaveCount(0);
  for (const id of ids) expect(await moru.stateOf(id)).toBe('running');

  await phraseField(dialog).press('Enter');
  await expect(dialog).toBeHidden();
  for (const id of ids) await expectNoRow(page, id);
});

test('requires the id for a protected sandbox, which a bulk kill skips', async ({ page, moru }) => {
  await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  const kept = await moru.create({ metadata: { ...DEVELOPMENT, protected: 'True' } });
  await openFleet(page);
  await expect(page.getByRole('img', { name: 'Protected' })).toHaveCount(1);
  const dialog = await askToKillAll(page, 'environment=development', 3);
  await expect(dialog).toHaveAccessibleName('Kill 2 sandboxes');
  await expect(dialog).toContainText('1 will be skipped');
  await expect(dialog.getByText(kept)).toBeHidden();
  await dialog.getByText('1 protected by protected=true').click();
  await expect(dialog.getByText(kept)).toBeVisible();
  await phraseField(dialog).fill('kill 2');
  await killButton(dialog).click();
  await expect(dialog).toBeHidden();
  // The next Enter presses no red button.
  await expect(dock(page)).toHaveCount(0);
  await expect(page.getByRole('grid', { name: 'Sandboxes' })).toBeFocused();
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(0);

  await chooseRowAction(page, kept, 'Kill…');
  const single = page.getByRole('alertdialog', { name: `Kill sandbox ${kept}` });
  const button = single.getByRole('button', { name: 'Kill sandbox' });
  await expect(single).toContainText('This sandbox is protected.');
  await phraseField(single).fill('kill 1');
  await phraseField(single).press('Enter');
  await expect(button).toBeDisabled();
  await phraseField(single).fill(kept);
  await button.click();
  await expect(toast(page, `Killed ${kept}`)).toBeVisible({ timeout: ENDED_WITHIN_MS });
  expect(await moru.find(kept)).toBeNull();
});

test('clears the confirmation when an option changes the plan', async ({ page, moru }) => {
  const [first = '', ...rest] = await createMany(moru, [DEVELOPMENT, DEVELOPMENT, DEVELOPMENT]);
  await openFleet(page);
  const dialog = await askToKillAll(page, 'environment=development', 3);
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('for the record');
  await phraseField(dialog).fill('kill 3');
  await expect(killButton(dialog)).toBeEnabled();
  await moru.kill(first);

  await dialog.getByRole('checkbox', { name: 'Stop processes first' }).check();
  await expect(dialog.getByRole('alert')).toContainText('2 will be killed instead of 3');
  await expect(dialog).toHaveAccessibleName('Kill 2 sandboxes');
  await expect(dialog).toContainText('1 already gone');
  await expect(phraseField(dialog)).toHaveValue('kill 3');
  await expect(dialog.getByRole('textbox', { name: 'Reason' })).toHaveValue('for the record');
  await expect(killButton(dialog)).toBeDisabled();
  const seconds = dialog.getByRole('textbox', { name: 'Seconds to wait for processes to end' });
  await phraseField(dialog).fill('kill 2');
  for (const wrong of ['0', '601', '1.5', 'ten', '']) {
    await seconds.fill(wrong);
    await expect(dialog.getByRole('alert').filter({ hasText: 'Whole seconds from 1 to 600.' })).toBeVisible();
    await expect(killButton(dialog)).toBeDisabled();
  }
  await seconds.fill('1');
  await expect(killButton(dialog)).toBeEnabled();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  for (const id of rest) expect(await moru.stateOf(id)).toBe('running');
});

test('offers to pause the running sandboxes instead', async ({ page, moru }) => {
  const ids = await createMany(moru, [DEVELOPMENT, DEVELOPMENT, DEVELOPMENT]);
  await moru.pause(ids[0] ?? '');
  await openFleet(page);
  const dialog = await askToKillAll(page, 'environment=development', 3);
  await dialog.getByRole('button', { name: 'Pause 2 instead' }).click();
  await expect(dialog).toBeHidden();
  for (const id of ids) await expectRow(page, id, 'Paused');
});

test('explains an empty plan', async ({ page, moru }) => {
  const ids = await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  await openFleet(page);
  await filter(page, 'environment=development');
  await headCheckbox(page).check();
  await expect(dock(page)).toContainText('2 selected');
  // The server does not learn of the kill before the dialog opens.
  await moru.addFault({ route: 'GET /v2/sandboxes', latencyMs: 8_000 });
  for (const id of ids) await moru.kill(id);
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  const dialog = dialogOf(page);
  await expect(dialog.getByRole('alert')).toContainText('There is nothing to kill. 2 skipped: already gone.');
  await expect(killButton(dialog)).toHaveCount(0);
  await expect(phraseField(dialog)).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
});

test('reports that the sandboxes could not be read and retries', async ({ page, moru }) => {
  await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  await openFleet(page);
  await filter(page, 'environment=development');
  await headCheckbox(page).check();
  await moru.addFault({ route: 'GET /sandboxes/*', status: 500 });
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  const dialog = dialogOf(page);
  await expect(dialog.getByRole('alert')).toContainText('Nothing was killed.');
  await expect(killButton(dialog)).toHaveCount(0);
  await moru.clearFaults();
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(killButton(dialog)).toBeVisible();
  await expect(dialog.getByRole('alert')).toHaveCount(0);
});

test('reads an old plan again before it can start', async ({ page, moru }) => {
  const [first = ''] = await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  await page.clock.install();
  await openFleet(page);
  const dialog = await askToKillAll(page, 'environment=development', 2);
  await phraseField(dialog).fill('kill 2');
  await moru.pause(first);
  // As after a suspend: each timer fires once instead of five minutes of ticks.
  await page.clock.fastForward('05:01');
  await expect(dialog.getByRole('alert')).toContainText('five minutes ago');
  await expect(killButton(dialog)).toHaveCount(0);
  await phraseField(dialog).press('Enter');
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(killButton(dialog)).toBeEnabled();
  await expect(dialog).toContainText('1 running · 1 paused');
});

test('copies the kill as code', async ({ page, moru, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const ids = await createMany(moru, [DEVELOPMENT, DEVELOPMENT]);
  await openFleet(page);
  const dialog = await askToKillAll(page, 'environment=development', 2);
  await dialog.getByRole('button', { name: 'Copy as code' }).click();
  await page.getByRole('menuitem', { name: 'Command line' }).click();
  await expect(toast(page, 'Copied as a command line')).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.trim().split(' ').sort()).toEqual(['kill', 'moru', 'sandbox', ...ids].sort());
  await expect(dialog).toBeVisible();

  await dialog.getByRole('checkbox', { name: 'Stop processes first' }).check();
  await dialog.getByRole('button', { name: 'Copy as code' }).click();
  await expect(page.getByRole('menuitem', { name: 'Command line' })).toBeDisabled();
  await page.getByRole('menuitem', { name: 'Python' }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain('SIGTERM');
});

test.describe('with other settings', () => {
  /** Opens another instance with these settings and a page in it. */
  async function inHouse(
    browser: Browser,
    env: Record<string, string>,
    work: (page: Page, moru: Moru) => Promise<void>,
  ): Promise<void> {
    const sandkeeper = await Sandkeeper.open({ env });
    const context = await browser.newContext({ baseURL: sandkeeper.url });
    try {
      const { admin } = await sandkeeper.openSessions();
      await context.addCookies([
        {
          name: sandkeeper.sessionCookieName,
          value: admin,
          url: sandkeeper.url,
          httpOnly: true,
          sameSite: 'Strict',
        },
      ]);
      await work(await context.newPage(), new Moru(sandkeeper.engine));
    } finally {
      await context.close();
      await sandkeeper.close();
    }
  }

  test('rejects more sandboxes than the limit of an operation', async ({ browser }) => {
    await inHouse(browser, { SANDKEEPER_BULK_LIMIT: '2' }, async (page, moru) => {
      await createMany(moru, [DEVELOPMENT, DEVELOPMENT, DEVELOPMENT]);
      await openFleet(page);
      await filter(page, 'environment=development');
      await headCheckbox(page).check();
      const kill = dock(page).getByRole('button', { name: /^Kill/ });
      await expect(kill).toHaveAccessibleDescription(/at most 2 sandboxes/);
      await expect(kill).toBeDisabled();
      // The server enforces the same limit.
      await page.getByRole('grid').press('Delete');
      const dialog = dialogOf(page);
      await expect(dialog.getByRole('alert')).toContainText(
        'One operation can have at most 2 sandboxes, not 3.',
      );
      await expect(dialog.getByRole('alert')).toContainText('Nothing was killed.');
      await expect(dialog.getByRole('button', { name: 'Check again' })).toHaveCount(0);
      await dialog.getByRole('button', { name: 'Close' }).click();
    });
  });
});
