import { expect, type Page, test } from './support/fixtures';
import { ask, cookieOf } from './support/http';
import {
  acceptResume,
  chooseRowAction,
  expectNoRow,
  expectRow,
  filterBox,
  killDialog,
  lookAway,
  NEWS_WITHIN_MS,
  openFleet,
  openRowMenu,
  row,
  rows,
  timeOf,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

test('shows within two seconds in every tab what the SDK creates, pauses, resumes and kills', async ({
  page,
  moru,
  context,
}) => {
  await moru.create();
  await openFleet(page);
  const other = await context.newPage();
  await openFleet(other);
  const id = await moru.create({ metadata: { owner: 'ana' } });
  const tookMs = [await timeOf(() => expect(row(page, id)).toContainText('Running'))];
  await expect(row(page, id)).toContainText('owner=ana');
  await moru.pause(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toContainText('Paused')));
  await expectRow(other, id, 'Paused');
  await moru.connect(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toContainText('Running')));
  await moru.kill(id);
  tookMs.push(await timeOf(() => expect(row(page, id)).toHaveCount(0)));
  await expectNoRow(other, id);
  // A busy machine may delay any of them, but hardly all.
  expect(Math.min(...tookMs)).toBeLessThan(NEWS_WITHIN_MS);
});

test('updates ages and times left', async ({ page, moru }) => {
  const id = await moru.create({ timeoutMs: 75_000 });
  await openFleet(page);
  const cell = (text: RegExp) => row(page, id).getByRole('gridcell', { name: text });
  await expect(cell(/^1m [01]\ds$/)).toBeVisible();
  // By then its age has gone on too.
  await expect(cell(/^5\ds$/)).toBeVisible({ timeout: 40_000 });
  await expect(cell(/^(1[5-9]|2\d)s$/).first()).toBeVisible();
});

test('pauses and resumes from the row', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  await chooseRowAction(page, id, 'Pause');
  await expectRow(page, id, 'Paused');
  expect(await moru.stateOf(id)).toBe('paused');
  const pause = (await openRowMenu(page, id)).getByRole('menuitem', { name: /^Pause/ });
  await expect(pause).toBeDisabled();
  await expect(pause).toContainText('It is already paused.');
  await page.keyboard.press('Escape');
  await chooseRowAction(page, id, 'Resume…');
  await acceptResume(page);
  await expectRow(page, id, 'Running');
  const { endAt } = (await moru.find(id)) ?? {};
  expect((endAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(14 * 60_000);
});

test('sets the time left, and shows the deadline before and the granted time after', async ({
  page,
  moru,
}) => {
  const id = await moru.create();
  await openFleet(page);
  await chooseRowAction(page, id, 'Set time left…');
  const dialog = page.getByRole('dialog', { name: `Set time left of ${id}` });
  await dialog.getByLabel('Minutes from now').fill('30');
  await expect(dialog.locator('time')).toHaveAttribute('title', / UTC$/);
  await dialog.getByRole('button', { name: 'Set time left' }).click();
  await expect(row(page, id)).toContainText(/29m|30m/);
  const { endAt } = (await moru.find(id)) ?? {};
  expect((endAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(29 * 60_000);

  await chooseRowAction(page, id, 'Set time left…');
  await dialog.getByLabel('Minutes from now').fill('soon');
  await expect(dialog.getByRole('button', { name: 'Set time left' })).toBeDisabled();
  await expect(dialog.getByRole('alert')).toContainText('Enter a whole number of minutes');
  await dialog.getByLabel('Minutes from now').fill('600');
  await dialog.getByRole('button', { name: 'Set time left' }).click();
  await expect(toast(page, id).filter({ hasText: 'The service granted' })).toBeVisible();
});

test.describe('the server-rendered page', () => {
  const html = (page: Page, path: string) => page.request.get(path).then((answer) => answer.text());

  test('contains the first rows before any script runs', async ({ page, moru }) => {
    const ids = [await moru.create(), await moru.create({ metadata: { owner: 'ana' } })];
    for (const id of ids) await expect.poll(() => html(page, '/sandboxes')).toContain(`>${id}<`);
  });

  test('is filtered and sorted by its URL', async ({ page, moru }) => {
    const b = await moru.create({ template: 'python', metadata: { owner: 'ana' } });
    const a = await moru.create({ template: 'base', metadata: { owner: 'ana' } });
    const other = await moru.create({ metadata: { owner: 'bjorn' } });
    await expect.poll(() => html(page, '/sandboxes')).toContain(`>${other}<`);

    const ascending = await html(page, '/sandboxes?q=owner%3Dana&sort=template');
    expect(ascending).not.toContain(other);
    expect(ascending.indexOf(`>${a}<`)).toBeGreaterThan(-1);
    expect(ascending.indexOf(`>${a}<`)).toBeLessThan(ascending.indexOf(`>${b}<`));

    const descending = await html(page, '/sandboxes?q=owner%3Dana&sort=-template');
    expect(descending.indexOf(`>${b}<`)).toBeGreaterThan(-1);
    expect(descending.indexOf(`>${b}<`)).toBeLessThan(descending.indexOf(`>${a}<`));
  });

  test('ignores invalid parameters in its URL', async ({ page, moru }) => {
    const id = await moru.create();
    for (const search of [
      '?q=age%3E',
      '?sort=nothing',
      '?sort=meta:__proto__',
      '?cols=%25',
      '?q=a&q=b',
      '?cols=x%20y',
    ]) {
      await expect.poll(() => html(page, `/sandboxes${search}`), search).toContain('Sandboxes');
      expect((await page.request.get(`/sandboxes${search}`)).status(), search).toBe(200);
    }
    await openFleet(page, '?sort=nothing&cols=x%20y&q=');
    await expectRow(page, id);
  });

  test('works without JavaScript', async ({ browser, sandkeeper, sessions, moru }) => {
    const id = await moru.create({ metadata: { owner: 'ana' } });
    const context = await browser.newContext({
      javaScriptEnabled: false,
      extraHTTPHeaders: cookieOf(sandkeeper, sessions.viewer),
    });
    const page = await context.newPage();
    await expect(async () => {
      await page.goto(`${sandkeeper.url}/sandboxes`);
      // A page without scripts stays as it was served: if the row is not there now, it will be on the next one.
      await expect(row(page, id)).toContainText('owner=ana', { timeout: 500 });
    }).toPass();
    await context.close();
  });
});

test('keeps filter, sort and columns in the URL', async ({ page, moru, context }) => {
  const ana = await moru.create({ metadata: { owner: 'ana', run: '7' } });
  const other = await moru.create({ metadata: { owner: 'bjorn' } });
  await openFleet(page);
  await filterBox(page).fill('owner=ana ');
  await page.keyboard.press('Escape');
  const template = page.getByRole('columnheader', { name: 'Template' });
  await template.getByRole('button').click();
  await template.getByRole('button').click();
  await expect(template).toHaveAttribute('aria-sort', 'descending');
  await template.getByRole('button').click();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'Size' }).uncheck();
  await page.getByRole('checkbox', { name: /^run/ }).check();
  await expect(page).toHaveURL(/q=owner/);
  await expect(page).toHaveURL(/sort=template/);
  await expect(page).toHaveURL(/cols=/);

  const colleague = await context.newPage();
  await openFleet(colleague, new URL(page.url()).search);
  await expectRow(colleague, ana);
  await expectNoRow(colleague, other);
  await expect(colleague.getByRole('button', { name: 'Remove owner=ana' })).toBeVisible();
  await expect(colleague.getByRole('columnheader', { name: 'Template' })).toHaveAttribute(
    'aria-sort',
    'ascending',
  );
  await expect(colleague.getByRole('columnheader', { name: 'run' })).toBeVisible();
  await expect(colleague.getByRole('columnheader', { name: 'Size' })).toHaveCount(0);
});

test('remembers columns without the URL', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'Started' }).check();
  await page.getByRole('checkbox', { name: /^owner/ }).check();
  await expect(page.getByRole('checkbox', { name: 'Sandbox' })).toBeDisabled();
  for (const name of ['Move up: Started', 'Move up: Started'])
    await page.getByRole('button', { name }).click();
  await page.keyboard.press('Escape');

  await openFleet(page);
  await expect(page.getByRole('columnheader', { name: 'Started' })).toBeVisible();
  const titles = await page.locator('[data-column]').allTextContents();
  expect(titles.slice(-3)).toEqual(['Started', 'Time left', 'Size']);
  await expect(page.getByRole('columnheader', { name: 'owner' })).toBeVisible();
  // A key with its own column is no longer shown in the metadata column.
  await expect(row(page, id).getByRole('gridcell', { name: 'ana', exact: true })).toBeVisible();
  await expect(row(page, id)).not.toContainText('owner=');
  await expect(row(page, id).locator('time')).toHaveAttribute(
    'title',
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
  );

  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: /^owner/ }).uncheck();
  await page.getByRole('checkbox', { name: 'Started' }).uncheck();
  await expect(page.getByRole('columnheader', { name: 'Started' })).toHaveCount(0);
});

test('keeps rows in place under the pointer and announces changes', async ({ page, moru }) => {
  const older = await moru.create();
  const id = await moru.create();
  await openFleet(page);
  await expectRow(page, older);
  await row(page, id).hover();
  const place = await row(page, id).boundingBox();

  const newcomer = await moru.create();
  const news = page.getByRole('button', { name: '1 new' });
  await expect(news).toBeVisible();
  await expectNoRow(page, newcomer);
  expect(await row(page, id).boundingBox()).toEqual(place);

  await moru.kill(older);
  await expectRow(page, older, 'Terminated');
  expect(await row(page, id).boundingBox()).toEqual(place);

  await page.getByRole('button', { name: '1 new, 1 gone' }).click();
  await expectRow(page, newcomer);
  await expectNoRow(page, older);
});

test('updates held rows when the pointer leaves or the filter changes', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await row(page, id).hover();
  const newcomer = await moru.create({ metadata: { owner: 'ana' } });
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible();
  await lookAway(page);
  await expectRow(page, newcomer);
});

test('moves through the rows by keyboard and opens one', async ({ page, moru, sandkeeper }) => {
  const ids = [await moru.create(), await moru.create(), await moru.create()].reverse();
  await openFleet(page);
  await expectRow(page, ids[2] ?? '');
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  const expectActive = (id = '') => expect(grid).toHaveAttribute('aria-activedescendant', `row-${id}`);
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  await expectActive(ids[0]);
  await page.keyboard.press('End');
  await expectActive(ids[2]);
  await page.keyboard.press('ArrowUp');
  await expectActive(ids[1]);
  await expect(row(page, ids[1] ?? '')).toHaveAttribute('aria-selected', 'false');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes/${ids[1]}`);
});

test('Tab visits only the controls of the active row', async ({ page, moru }) => {
  const other = await moru.create();
  const id = await moru.create();
  await openFleet(page);
  await expectRow(page, other);
  await page.getByRole('grid', { name: 'Sandboxes' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').focus();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('separator', { name: 'Width of Size' })).toBeFocused();
  for (const name of [id, `Copy ${id}`, `Actions for ${id}`]) {
    await page.keyboard.press('Tab');
    await expect(row(page, id).locator(':focus')).toHaveAccessibleName(name);
  }
  await page.keyboard.press('Tab');
  await expect(page.getByRole('grid').locator(':focus')).toHaveCount(0);
});

test('keeps the active row when others are inserted before it', async ({ page, moru }) => {
  const id = await moru.create();
  await openFleet(page);
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  const newcomer = await moru.create();
  await expectRow(page, newcomer);
  await expect(grid).toHaveAttribute('aria-activedescendant', `row-${id}`);
  await page.keyboard.press('Delete');
  await expect(killDialog(page, id)).toBeVisible();
});

test('/ focuses the filter, except in an input or a dialog', async ({ page, moru }) => {
  await openFleet(page);
  // A new row shows that the page is interactive.
  const id = await moru.create();
  await expectRow(page, id);
  await page.keyboard.press('/');
  await expect(filterBox(page)).toBeFocused();
  await expect(filterBox(page)).toHaveValue('');
  await page.keyboard.type('a/b');
  await expect(filterBox(page)).toHaveValue('a/b');
  await filterBox(page).fill('');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'New sandbox' }).click();
  const template = page.getByRole('dialog', { name: 'New sandbox' }).getByLabel('Template');
  await template.fill('');
  await template.press('/');
  await expect(template).toHaveValue('/');
  await expect(template).toBeFocused();
  await page.keyboard.press('Escape');

  await chooseRowAction(page, id, 'Kill…');
  const cancel = killDialog(page, id).getByRole('button', { name: 'Cancel' });
  await expect(cancel).toBeFocused();
  await page.keyboard.press('/');
  await expect(cancel).toBeFocused();
});

test('copies the id', async ({ page, moru, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await moru.create();
  await openFleet(page);
  await row(page, id).hover();
  await row(page, id)
    .getByRole('button', { name: `Copy ${id}` })
    .click();
  await expect(row(page, id).getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});

test('the header shows the number of sandboxes and the age of the data', async ({
  page,
  moru,
  sandkeeper,
}) => {
  const id = await moru.create();
  await moru.create();
  await moru.pause(id);
  await openFleet(page);
  const bar = page.getByRole('banner');
  await expect(bar).toContainText('1 running · 1 paused');
  await expect(bar).toContainText('of 20000');
  await expect(bar).toContainText('Local engine');
  await expect(bar).toContainText(/as of [12]s ago/);
  await expect(rows(page)).toHaveCount(2);
  const { status } = await ask(sandkeeper, '/api/health');
  expect(status).toBe(200);
});
