import { devices } from '@playwright/test';
import { expectFits } from './support/fits';
import { expect, test } from './support/fixtures';
import { pageOf } from './support/local';
import { Colleague } from './support/operations';
import { filter, headCheckbox, openFleet, rows } from './support/vocabulary';

const { viewport, isMobile, hasTouch, userAgent } = devices['Pixel 7'];
test.use({ viewport: { ...viewport, width: 390 }, isMobile, hasTouch, userAgent });

test('every page fits a phone and is used by touch', async ({ page, signIn, moru, sandkeeper, sessions }) => {
  const metadata = {
    environment: 'development',
    owner: 'ana',
    note: 'a value that is far too long for one line',
  };
  const id = await moru.create({ metadata });
  await moru.create({ metadata: { owner: 'bjorn' } });
  const admin = new Colleague(sandkeeper, sessions.admin);
  const operation = await admin.runToEnd(id, 'echo a line of output; exit 3');
  await signIn(page);
  await openFleet(page);
  await expect(rows(page)).toHaveCount(2);
  await expectFits(page, 'the fleet');

  await filter(page, 'environment=development');
  await expect(rows(page)).toHaveCount(1);
  await headCheckbox(page).tap();
  await expectFits(page, 'the fleet with a filter and a selection');
  await page.getByRole('button', { name: 'Kill 1…' }).tap();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeInViewport();
  await expectFits(page, 'the kill dialog');
  await dialog.getByRole('button', { name: 'Cancel' }).tap();

  await page.getByRole('navigation', { name: 'Main' }).getByRole('button', { name: 'Sandboxes' }).tap();
  await page.getByRole('menuitem', { name: 'Operations' }).tap();
  await expect(page).toHaveURL('/operations');
  await expectFits(page, 'the log of operations');
  for (const path of [
    '/operations/access',
    `/operations/${operation}`,
    '/settings/connections',
    '/settings/connections/local',
    ...['', '/files', '/files?file=/home/user/.bashrc', '/console', '/run', '/processes'].map(
      (tab) => `${pageOf(id)}${tab}`,
    ),
    pageOf('i00000000000000000000'),
    '/no/such/page',
  ]) {
    await page.goto(path);
    await expectFits(page, path);
  }
});
