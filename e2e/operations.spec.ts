import { readFile } from 'node:fs/promises';
import type { Operation, RecordedItem } from '../lib/operations/schema';
import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import { Sandkeeper } from './support/deployment';
import { test as base, expect, type Page } from './support/fixtures';
import { ask, cookieOf } from './support/http';
import { Colleague } from './support/operations';
import { chooseRowAction, filter, openFleet, toast } from './support/vocabulary';

const WINDOW_S = 1;

/** An instance with a short cancel window and slow operations. */
const test = base.extend<{ admin: Colleague; operator: Colleague }, { sandkeeper: Sandkeeper }>({
  sandkeeper: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the required fixtures from the pattern.
    async ({}, use) => {
      const sandkeeper = await Sandkeeper.open({
        env: { SANDKEEPER_CANCEL_WINDOW_SECONDS: String(WINDOW_S), SANDKEEPER_MAX_CONCURRENCY: '8' },
      });
      await use(sandkeeper);
      await sandkeeper.close();
    },
    { scope: 'worker', timeout: 150_000 },
  ],
  admin: ({ sandkeeper, sessions }, use) => use(new Colleague(sandkeeper, sessions.admin)),
  operator: ({ sandkeeper, sessions }, use) => use(new Colleague(sandkeeper, sessions.operator)),
});

test.beforeEach(({ page, signIn }) => signIn(page));

const logRows = (page: Page) =>
  page
    .getByRole('table', { name: 'Operations' })
    .getByRole('row')
    .filter({ has: page.getByRole('cell') });
const itemRows = (page: Page) =>
  page
    .getByRole('table', { name: 'Sandboxes of this operation' })
    .getByRole('row')
    .filter({ has: page.getByRole('cell') });
const itemRow = (page: Page, id: string) => itemRows(page).filter({ hasText: id });

/** Reads an operation from the API. */
async function readRecord(page: Page, id: string): Promise<{ operation: Operation; items: RecordedItem[] }> {
  return (await page.request.get(`/api/operations/${id}`)).json();
}

/** Waits until an operation has ended. */
async function ended(page: Page, id: string): Promise<void> {
  await expect
    .poll(async () => (await readRecord(page, id)).operation.state, { timeout: 60_000 })
    .toBe('finished');
}

test('the log shows person, action, sandboxes, reason and filter', async ({
  page,
  moru,
  admin,
  operator,
}) => {
  await page.goto('/operations');
  await expect(page.getByRole('heading', { name: 'No operations yet' })).toBeVisible();
  await expectAccessible(page, 'the empty log');
  await page.getByRole('link', { name: 'View sandboxes' }).click();
  await expect(page).toHaveURL(/\/sandboxes$/);

  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await filter(page, 'owner=ana');
  await chooseRowAction(page, id, 'Pause');
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  const ids = [
    await moru.create({ metadata: { owner: 'li' } }),
    await moru.create({ metadata: { owner: 'li' } }),
  ];
  await ended(page, await operator.resume([id], 15 * 60_000));
  await ended(page, await admin.kill(ids, 'nightly leftovers', 'owner=li'));

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  const [kill, resume, pause] = [logRows(page).nth(0), logRows(page).nth(1), logRows(page).nth(2)];
  await expect(kill).toContainText(
    /admin.*Kill 2 sandboxes.*2 killed, verified.*nightly leftovers.*owner=li/,
  );
  await expect(resume).toContainText(new RegExp(`operator.*Resume ${id} for 15 min, then pause.*Resumed`));
  await expect(pause).toContainText(new RegExp(`admin.*Pause ${id}.*Paused.*owner=ana`));
  await expect(kill.locator('time')).toHaveAttribute('title', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await kill.getByText('nightly leftovers').click();
  await expect(page.getByRole('heading', { name: 'Kill 2 sandboxes' })).toBeVisible();
  await page.goBack();
  await kill.getByRole('link', { name: 'owner=li' }).click();
  await expect(page).toHaveURL(/\/sandboxes\?q=owner(=|%3D)li/);

  const single = await moru.create();
  await page.goto(`/sandboxes/${single}`);
  await expect(page.getByRole('button', { name: 'Pause' })).toBeEnabled();
  await expect(page.getByRole('link', { name: 'View its operations' })).toHaveCount(0);
  await ended(page, await operator.pause([single]));
  await page.reload();
  await page.getByRole('link', { name: 'View its operations' }).click();
  await expect(page).toHaveURL(new RegExp(`/operations\\?sandbox=${single}$`));
  await expect(logRows(page)).toHaveCount(1);

  const operationId = await admin.kill([single]);
  await ended(page, operationId);
  await page.goto(`/sandboxes/${single}`);
  await expect(page.getByRole('main')).toContainText('It was killed here by admin.');
  await page.getByRole('link', { name: 'View operation' }).click();
  await expect(page).toHaveURL(new RegExp(`/operations/${operationId}$`));
  await expect(page.getByRole('heading', { name: `Kill ${single}` })).toBeVisible();
  await itemRow(page, single).getByRole('link', { name: single }).click();
  await expect(page).toHaveURL(new RegExp(`/sandboxes/${single}$`));
});

test('filters the log by action, person, outcome, time and sandbox, in the URL', async ({
  page,
  moru,
  admin,
  operator,
}) => {
  const [one = '', other = ''] = [await moru.create(), await moru.create()];
  await ended(page, await operator.pause([one]));
  await moru.addFault({ route: `DELETE /sandboxes/${other}`, status: 403 });
  await ended(page, await admin.kill([one, other], 'a denied one'));
  await page.goto('/operations');

  await page.getByRole('textbox', { name: 'Sandbox ID' }).fill(one);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`\\?sandbox=${one}$`));
  await expect(page.getByRole('textbox', { name: 'Sandbox ID' })).toBeFocused();
  await expect(logRows(page)).toHaveCount(2);

  await page.getByLabel('Action').selectOption('Kills');
  await expect(logRows(page)).toHaveCount(1);
  await expect(logRows(page)).toContainText('Kill 2 sandboxes');
  await page.getByLabel('Action').selectOption('All actions');
  await page.getByLabel('Person').selectOption('operator');
  await expect(logRows(page)).toHaveCount(1);
  await expect(logRows(page)).toContainText(`Pause ${one}`);
  await page.getByLabel('Person').selectOption('Anyone');
  await page.getByLabel('Outcome').selectOption('With failures');
  await expect(logRows(page).first()).toContainText('1 denied');
  await expect(logRows(page)).toHaveCount(1);
  await page.getByLabel('Time').selectOption('Last hour');
  await expect(page).toHaveURL(/state=troubled.*within=1h/);
  await expect(logRows(page)).toHaveCount(1);

  await page.reload();
  await expect(page.getByLabel('Outcome')).toHaveValue('troubled');
  await expect(logRows(page)).toHaveCount(1);

  await page.getByLabel('Time').selectOption('Custom range…');
  await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/to=(2020-01-01|2019-12-31)T/);
  await expect(page.getByText('No operations match these filters.')).toBeVisible();
  await expect(page.getByLabel('To', { exact: true })).toHaveValue('2020-01-01T00:00');
  await expectAccessible(page, 'the log with nothing in it');
  await page.getByRole('button', { name: 'Show all operations' }).click();
  await expect(page).toHaveURL(/\/operations$/);
  await expect.poll(() => logRows(page).count()).toBeGreaterThan(1);

  await page.getByRole('textbox', { name: 'Sandbox ID' }).fill("' or 1=1");
  await page.keyboard.press('Enter');
  await expect(page.getByText('This is not a valid sandbox ID.')).toBeVisible();
  await page.goBack();
  await expect.poll(() => logRows(page).count()).toBeGreaterThan(1);
});

test('pages through the log @long', async ({ page, moru, operator }) => {
  test.slow();
  const id = await moru.create();
  for (let round = 0; round < 26; round += 1) {
    await ended(page, await operator.pause([id]));
    await ended(page, await operator.resume([id], 60_000));
  }
  await page.goto(`/operations?sandbox=${id}`);
  await expect(logRows(page)).toHaveCount(50);
  await page.getByRole('link', { name: 'Older' }).click();
  await expect(logRows(page)).toHaveCount(2);
  await expect(page.getByText('No older entries')).toBeVisible();
  await expect(logRows(page).last()).toContainText(`Pause ${id}`);
  await page.getByRole('link', { name: 'Newest' }).click();
  await expect(logRows(page)).toHaveCount(50);
});

test('announces new operations in the log and updates the running ones', async ({ page, moru, admin }) => {
  const ids = [await moru.create(), await moru.create(), await moru.create()];
  const earlier = ids.pop() ?? '';
  await ended(page, await admin.kill([earlier]));
  await page.goto('/operations');
  await expect(logRows(page).first()).toContainText(`Kill ${earlier}`);
  const before = await page.getByRole('link', { name: /^(Kill|Pause|Resume) / }).allTextContents();
  await moru.addFault({ route: 'DELETE /sandboxes/*', latencyMs: 1_500 });
  const operationId = await admin.kill(ids, 'seen by others');
  await expect(page.getByRole('button', { name: '1 new · show' })).toBeVisible();
  expect(await page.getByRole('link', { name: /^(Kill|Pause|Resume) / }).allTextContents()).toEqual(before);
  await page.getByRole('button', { name: '1 new · show' }).click();
  await expect(logRows(page).first()).toContainText('seen by others');
  await expect(logRows(page).first()).toContainText('2 in progress');
  await expect(logRows(page).first()).toContainText('2 killed, verified');
  await expect(page.getByRole('button', { name: /new · show/ })).toHaveCount(0);
  await logRows(page).first().getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect(page).toHaveURL(new RegExp(`/operations/${operationId}$`));
});

test('follows an operation to its end, also after a reload', async ({ page, moru, admin }) => {
  await moru.createMany(40, (index) => ({ owner: 'ana', run: `pr-${index}` }));
  const ids = await moru.listIds();
  await moru.addFault({ route: 'DELETE /sandboxes/*', latencyMs: 1_500 });
  const operationId = await admin.kill(ids, 'nightly leftovers', 'owner=ana');
  await page.goto(`/operations/${operationId}`);
  const main = page.getByRole('main');
  await expect(page).toHaveTitle(/^Kill 40 sandboxes/);
  await expect(page.getByRole('heading', { name: 'Kill 40 sandboxes' })).toBeVisible();
  await expect(main).toContainText(/admin · .* · “nightly leftovers” · owner=ana/);
  await expect(main.getByRole('button', { name: /in progress/ })).toBeVisible();
  await page.reload();
  await expect(main.getByRole('button', { name: /killed, verified/ })).toBeVisible();
  await expect(main).toContainText(/per (second|minute), about .* left/);
  await moru.clearFaults();
  await expect(main.getByRole('button', { name: '40 killed, verified' })).toBeVisible();
  await expect(main).toContainText(/Took \d/);
  await expect(main.getByRole('button', { name: 'Stop the rest' })).toHaveCount(0);
  const [first = ''] = ids;
  await expect(itemRow(page, first)).toContainText(/Killed, verified.*base.*owner=ana.*\d ms|s$/);
});

test('retries exactly the selected failures', async ({ page, moru, admin }) => {
  await moru.createMany(6, () => ({ owner: 'ana' }));
  const ids = await moru.listIds();
  const denied = ids.slice(1, 4).sort();
  for (const id of denied) await moru.addFault({ route: `DELETE /sandboxes/${id}`, status: 403 });
  const operationId = await admin.kill(ids, 'first try');
  await page.goto(`/operations/${operationId}`);
  const main = page.getByRole('main');
  await expect(main.getByRole('button', { name: '3 denied' })).toBeVisible();
  await expect(main.getByRole('button', { name: '3 killed, verified' })).toBeVisible();

  await main.getByRole('button', { name: '3 denied' }).click();
  await expect(page).toHaveURL(/\?show=denied$/);
  await expect(itemRows(page)).toHaveCount(3);
  await expect(itemRows(page).first()).toContainText('does not allow');
  await expectAccessible(page, 'an operation with failures');
  await page.reload();
  await expect(itemRows(page)).toHaveCount(3);

  const [left = '', ...chosen] = denied;
  await expect(main.getByRole('button', { name: 'Retry 3 failed…' })).toBeEnabled();
  await page.getByRole('checkbox', { name: 'Select all 3 failed' }).check();
  await page.getByRole('checkbox', { name: `Select ${left}` }).uncheck();
  await moru.clearFaults();
  const other = await moru.create({ metadata: { owner: 'ana' } });
  await main.getByRole('button', { name: 'Retry 2 selected…' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Kill 2 sandboxes' });
  await dialog.getByRole('textbox', { name: /kill 2/ }).fill('kill 2');
  await dialog.getByRole('button', { name: 'Kill 2 sandboxes' }).click();
  await expect(dialog).toHaveCount(0);

  await expect(main).toContainText(/Retried at .*: Kill 2 sandboxes \(2 killed, verified\)/);
  await main.getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect(page).not.toHaveURL(new RegExp(operationId));
  await expect(main.getByRole('button', { name: '2 killed, verified' })).toBeVisible();
  await expect(main.getByRole('link', { name: 'an earlier operation' })).toHaveAttribute(
    'href',
    `/operations/${operationId}`,
  );
  const retryId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  const { operation, items } = await readRecord(page, retryId);
  expect(operation.retryOf).toBe(operationId);
  expect(items.map(({ sandboxId }) => sandboxId).sort()).toEqual(chosen);
  expect((await moru.listIds()).sort()).toEqual([left, other].sort());
});

/** Metadata that could do harm, by intent or by accident. */
const HOSTILE = {
  html: '<img src=x onerror="window.attacked = true">',
  formula: '=HYPERLINK("http://evil.example","click")',
  quotes: 'a "quoted", value',
  lines: 'first\r\nsecond\nthird',
  rtl: 'safe\u202Egnp.exe',
  '@key': '+1',
  long: 'x'.repeat(900),
};

/** Reads RFC 4180. */
function readCsv(text: string): string[][] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)];
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of cells) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('downloads and copies results with hostile text as CSV and JSON', async ({
  page,
  context,
  sandkeeper,
  moru,
  admin,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: sandkeeper.url });
  await moru.createMany(1, () => HOSTILE);
  await moru.createMany(2, () => ({ owner: 'ana' }));
  const ids = await moru.listIds();
  const operationId = await admin.kill(ids, '<script>window.attacked = true</script>', 'owner=ana');
  await ended(page, operationId);
  await page.goto(`/operations/${operationId}`);
  const choose = async (name: string) => {
    await page.getByRole('button', { name: 'Copy or download' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  const download = async (name: string) => {
    const [file] = await Promise.all([page.waitForEvent('download'), choose(name)]);
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  };

  const csv = await download('Download CSV');
  expect(csv.name).toMatch(new RegExp(`^kill-3-\\d{4}-\\d\\d-\\d\\dT\\d{6}Z-${operationId}\\.csv$`));
  expect(csv.text.startsWith('\uFEFF')).toBe(true);
  const [titles = [], ...rows] = readCsv(csv.text.slice(1));
  expect(rows.map((row) => row[titles.indexOf('sandbox')])).toEqual(ids);
  expect(new Set(rows.map((row) => row[titles.indexOf('outcome')]))).toEqual(new Set(['done']));
  const hostile = rows.find((row) => row[titles.indexOf('metadata.html')] !== '') ?? [];
  const cell = (key: string) => hostile[titles.indexOf(`metadata.${key}`)];
  expect(cell('html')).toBe(HOSTILE.html);
  expect(cell('formula')).toBe(`'${HOSTILE.formula}`);
  expect(cell('@key')).toBe("'+1");
  expect(cell('lines')).toBe(HOSTILE.lines);
  expect(cell('quotes')).toBe(HOSTILE.quotes);

  const json = await download('Download JSON');
  expect(json.name).toMatch(/\.json$/);
  expect(JSON.parse(json.text)).toEqual(await readRecord(page, operationId));

  await choose('Copy as CSV');
  await expect(toast(page, 'Copied 3 results as CSV')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(operationId);

  // Metadata does not change the height of the row or the width of the page, and is not parsed as HTML.
  const id = hostile[titles.indexOf('sandbox')] ?? '';
  expect((await itemRow(page, id).boundingBox())?.height).toBe(34);
  await expect(itemRow(page, id)).toContainText(HOSTILE.html);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  await page.goto('/operations');
  await expect(logRows(page).first()).toContainText('<script>window.attacked = true</script>');
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
});

test('lets viewers read everything and change nothing', async ({
  browser,
  sandkeeper,
  moru,
  sessions,
  signIn,
  admin,
  page,
}) => {
  const ids = [await moru.create(), await moru.create()];
  await moru.addFault({ route: `DELETE /sandboxes/${ids[0]}`, status: 403 });
  const operationId = await admin.kill(ids);
  await ended(page, operationId);
  const context = await browser.newContext({ baseURL: sandkeeper.url });
  const theirs = await context.newPage();
  await signIn(theirs, 'viewer');
  await theirs.goto('/operations');
  await logRows(theirs).first().getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect(theirs.getByRole('button', { name: '1 denied' })).toBeVisible();
  const retry = theirs.getByRole('button', { name: 'Retry 1 failed…' });
  await expect(retry).toBeDisabled();
  await expect(retry).toHaveAccessibleDescription('Requires the admin role.');
  const [download] = await Promise.all([
    theirs.waitForEvent('download'),
    (async () => {
      await theirs.getByRole('button', { name: 'Copy or download' }).click();
      await theirs.getByRole('menuitem', { name: 'Download JSON' }).click();
    })(),
  ]);
  expect(await readFile(await download.path(), 'utf8')).toContain(ids[1]);

  await moru.addFault({ route: 'DELETE /sandboxes/*', latencyMs: 3_000 });
  await theirs.goto(`/operations/${await admin.kill([await moru.create()])}`);
  await expect(theirs.getByRole('main').getByRole('button', { name: /Cancel|Stop the rest/ })).toBeDisabled();
  await context.close();

  for (const path of [`/api/operations/${operationId}`, `/api/operations/${operationId}/items?format=csv`]) {
    expect((await ask(sandkeeper, path)).status, path).toBe(401);
    expect(
      (await ask(sandkeeper, path, { headers: cookieOf(sandkeeper, sessions.viewer) })).status,
      path,
    ).toBe(200);
  }
});

test('shows a not-found page for an unknown operation', async ({ page, sandkeeper, sessions }) => {
  for (const id of ['nosuchoperation', '..%2F..%2Fx', '%00', 'a'.repeat(300), '%3Cscript%3E', '__proto__']) {
    await page.goto(`${sandkeeper.url}/operations/${id}`);
    await expect(page.getByRole('heading', { name: /Operation not found|Page not found/ })).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
    const route = await ask(sandkeeper, `/api/operations/${id}`, {
      headers: cookieOf(sandkeeper, sessions.viewer),
    });
    expect(route.status, id).toBe(404);
  }
  await page.goto('/nowhere/at/all');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  await expect(page).toHaveURL('/operations');
  const headers = cookieOf(sandkeeper, sessions.viewer);
  expect((await ask(sandkeeper, '/api/operations/none/items?format=csv', { headers })).status).toBe(404);
  expect((await ask(sandkeeper, '/api/operations/none/items?format=exe', { headers })).status).toBe(400);
});

for (const [count, tag] of [
  [120, ''],
  [700, ' @long'],
] as const) {
  test(`loads an operation on ${count} to its last sandbox${tag}`, async ({ page, moru, operator }) => {
    test.slow();
    await moru.createMany(count, (index) => ({ number: String(index) }));
    const operationId = await operator.setTimeLeft(await moru.listIds(), 30 * 60_000);
    await ended(page, operationId);
    await page.goto(`/operations/${operationId}`);
    const table = page.getByRole('table', { name: 'Sandboxes of this operation' });
    await expect(page.getByRole('main').getByRole('button', { name: `${count} updated` })).toBeVisible();
    await expect(table).toHaveAttribute('aria-rowcount', String(count + 1));
    expect(await itemRows(page).count()).toBeLessThan(80);
    const { items } = await readRecord(page, operationId);
    await table.focus();
    await page.keyboard.press('End');
    await expect(itemRow(page, items.at(-1)?.sandboxId ?? '')).toBeVisible();
  });
}

test('the log and a running operation are accessible', async ({ page, moru, admin }) => {
  await moru.createMany(9, () => ({ owner: 'ana' }));
  const [first = '', ...rest] = await moru.listIds();
  await moru.addFault({ route: `DELETE /sandboxes/${first}`, status: 403 });
  await moru.addFault({ route: 'DELETE /sandboxes/*', latencyMs: 2_500 });
  const operationId = await admin.kill([first, ...rest], 'leftovers', 'owner=ana');
  await page.goto('/operations');
  await expect(logRows(page).first()).toContainText('in progress');
  await expectAccessibleInBothThemes(page, 'the log');
  await page.goto(`/operations/${operationId}`);
  await expect(page.getByRole('checkbox', { name: `Select ${first}` })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'an operation under way');
  await page.getByRole('button', { name: 'Copy or download' }).click();
  await expect(page.getByRole('menuitem', { name: 'Download CSV' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the menu of results');
  await page.goto('/operations/none');
  await expectAccessibleInBothThemes(page, 'an unknown operation');
});
