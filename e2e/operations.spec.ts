import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from './support/fixtures';
import { LOCAL } from './support/local';
import { Colleague } from './support/operations';
import { chooseRowAction, filter, openFleet, toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

const rowsOf = (page: Page, table: string) =>
  page
    .getByRole('table', { name: table })
    .getByRole('row')
    .filter({ has: page.getByRole('cell') });
const logRows = (page: Page) => rowsOf(page, 'Operations');

/** Waits until an operation has ended. */
async function ended(page: Page, id: string): Promise<string> {
  const read = async () => (await (await page.request.get(`/api/operations/${id}`)).json()).operation.state;
  await expect.poll(read, { timeout: 60_000 }).toBe('finished');
  return id;
}

/** Metadata that could do harm, by intent or by accident. */
const HOSTILE = {
  html: '<img src=x onerror="window.attacked = true">',
  formula: '=HYPERLINK("http://evil.example","click")',
  quotes: 'a "quoted", value',
  lines: 'first\r\nsecond\nthird',
  '@key': '+1',
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

test('records an action with its filter, and downloads the results of an operation', async ({
  page,
  moru,
  sandkeeper,
  sessions,
}) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await filter(page, 'owner=ana');
  await chooseRowAction(page, id, 'Pause');
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  const ids = await moru.createAll([HOSTILE, { owner: 'ana' }]);
  const admin = new Colleague(sandkeeper, sessions.admin);
  const operationId = await ended(page, await admin.kill(ids, 'nightly leftovers', 'owner=ana'));

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  await expect(logRows(page).nth(1)).toContainText(new RegExp(`admin.*Pause ${id}.*Paused.*owner=ana`));
  await logRows(page).first().getByText('nightly leftovers').click();
  await expect(page).toHaveURL(`/operations/${operationId}`);
  await expect(page).toHaveTitle(/^Kill 2 sandboxes/);
  const download = async (name: string) => {
    await page.getByRole('button', { name: 'Copy or download' }).click();
    const item = page.getByRole('menuitem', { name });
    const [file] = await Promise.all([page.waitForEvent('download'), item.click()]);
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  };
  const csv = await download('Download CSV');
  expect(csv.name).toMatch(new RegExp(`^kill-2-\\d{4}-\\d\\d-\\d\\dT\\d{6}Z-${operationId}\\.csv$`));
  expect(csv.text.startsWith('\uFEFF')).toBe(true);
  const [titles = [], ...rows] = readCsv(csv.text.slice(1));
  expect(rows.map((row) => row[titles.indexOf('sandbox')])).toEqual(ids);
  expect(new Set(rows.map((row) => row[titles.indexOf('connection')]))).toEqual(new Set([LOCAL]));
  expect(new Set(rows.map((row) => row[titles.indexOf('outcome')]))).toEqual(new Set(['done']));
  const cell = (key: string) => rows[0]?.[titles.indexOf(`metadata.${key}`)];
  expect(cell('html')).toBe(HOSTILE.html);
  expect(cell('formula')).toBe(`'${HOSTILE.formula}`);
  expect(cell('@key')).toBe("'+1");
  expect(cell('lines')).toBe(HOSTILE.lines);
  expect(cell('quotes')).toBe(HOSTILE.quotes);
  const json = await download('Download JSON');
  expect(json.name).toMatch(/\.json$/);
  const record = await page.request.get(`/api/operations/${operationId}`);
  expect(JSON.parse(json.text)).toEqual(await record.json());

  // The URL keeps the filters, which the browser's history moves through.
  await page.goBack();
  await page.getByRole('textbox', { name: 'Sandbox ID' }).fill(id);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`/operations?sandbox=${id}`);
  await expect(logRows(page)).toHaveCount(1);
  await page.goBack();
  await expect(logRows(page).first()).toContainText('nightly leftovers');
  await logRows(page).first().getByRole('link', { name: 'owner=ana' }).click();
  await expect(page).toHaveURL(/\/sandboxes\?q=owner(=|%3D)ana/);
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
});

test('pages through the log @long', async ({ page, moru, sandkeeper, sessions }) => {
  test.slow();
  const operator = new Colleague(sandkeeper, sessions.operator);
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

test('loads an operation on 700 sandboxes to its last one @long', async ({
  page,
  moru,
  sandkeeper,
  sessions,
}) => {
  test.slow();
  const count = 700;
  const ids = await moru.createAll(Array.from({ length: count }, () => ({})));
  const operationId = await new Colleague(sandkeeper, sessions.operator).setTimeLeft(ids, 30 * 60_000);
  await ended(page, operationId);
  await page.goto(`/operations/${operationId}`);
  const title = 'Sandboxes of this operation';
  const table = page.getByRole('table', { name: title });
  await expect(page.getByRole('main').getByRole('button', { name: `${count} updated` })).toBeVisible();
  await expect(table).toHaveAttribute('aria-rowcount', String(count + 1));
  expect(await rowsOf(page, title).count()).toBeLessThan(80);
  await table.focus();
  await page.keyboard.press('End');
  await expect(rowsOf(page, title).filter({ hasText: ids.at(-1) ?? '' })).toBeVisible();
});
