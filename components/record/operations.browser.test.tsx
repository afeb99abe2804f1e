import { expect, onTestFinished, test } from 'vitest';
import { type Locator, page } from 'vitest/browser';
import { localKey, pageOf } from '@/e2e/support/local';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { chooseRowAction, OwnFleet, press } from '@/e2e/support/served/fleet';
import { catchCopies, openPage, renderInPage, toast } from '@/e2e/support/served/page';
import { addFault, colleague, moru } from '@/e2e/support/served/sandboxes';
import { WHOLE_LOG } from '@/lib/operations/record/log-filter';
import { noCounts, type Operation, type RecordedItem } from '@/lib/operations/schema';
import { OperationLog } from './operation-log';

const [admin, operator] = [colleague('admin'), colleague('operator')];

const main = page.getByRole('main');
const button = (name: string | RegExp) => main.getByRole('button', { name });
const table = page.getByRole('table', { name: 'Operations' });
const items = page.getByRole('table', { name: 'Sandboxes of this operation' });
const rowsOf = (list: Locator) => list.getByRole('row').filter({ has: page.getByRole('cell') });
const count = (list: Locator) => () => rowsOf(list).elements().length;
const filter = (name: string) => page.getByRole('combobox', { name, exact: true });
const sandboxInput = page.getByRole('textbox', { name: 'Sandbox ID' });
const search = () => window.location.search;

/** Reads an operation from the API. */
async function readRecord(id: string): Promise<{ operation: Operation; items: RecordedItem[] }> {
  return (await fetch(`/api/operations/${id}`)).json();
}

async function ended(id: string): Promise<string> {
  await expect.poll(async () => (await readRecord(id)).operation.state).toBe('finished');
  return id;
}

/** The row of an operation in the log. */
const entry = (hasText: string): Locator => rowsOf(table).filter({ hasText });

async function createAll(list: number | Record<string, string>[]): Promise<string[]> {
  return new OwnFleet().createAll(list);
}

test('the log shows person, action, sandboxes, reason and filter', async () => {
  const fleet = new OwnFleet();
  const id = await fleet.create({ owner: 'ana' });
  await fleet.open(1);
  await chooseRowAction(id, 'Pause');
  await expect.element(toast(`Paused ${id}`)).toBeVisible();
  await ended(await operator.resume([id], 15 * 60_000));
  await ended(await admin.kill(await createAll(2), 'weekly leftovers', 'owner=li'));
  const kill = entry('weekly leftovers');

  await page
    .getByRole('navigation', { name: 'Main' })
    .getByRole('link', { name: /^Operations/ })
    .click();
  await expect
    .element(kill)
    .toHaveTextContent(/admin.*Kill 2 sandboxes.*2 killed, verified.*weekly leftovers.*owner=li/);
  await expect
    .element(entry(`Resume ${id}`))
    .toHaveTextContent(new RegExp(`operator.*Resume ${id} for 15 min, then pause.*Resumed`));
  await expect
    .element(entry(`Pause ${id}`))
    .toHaveTextContent(new RegExp(`admin.*Pause ${id}.*Paused.*tag=${fleet.tag}`));
  expect(kill.element().querySelector('time')?.title).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await expectAccessibleInBothThemes('the log');
  await kill.getByText('weekly leftovers').click();
  await expect.element(page.getByRole('heading', { name: 'Kill 2 sandboxes' })).toBeVisible();
  window.history.back();
  await kill.getByRole('link', { name: 'owner=li' }).click();
  await expect.poll(search).toMatch(/\?q=owner(=|%3D)li/);
});

test('links a sandbox to its operations, and an operation to its sandboxes', async () => {
  const [id = ''] = await createAll(1);
  const operations = page.getByRole('link', { name: 'View its operations' });
  await openPage(pageOf(id));
  await expect.element(page.getByRole('button', { name: 'Pause' })).toBeEnabled();
  await expect.element(operations).not.toBeInTheDocument();
  await expectAccessibleInBothThemes('a sandbox');
  await ended(await operator.pause([id]));
  await openPage(pageOf(id));
  await operations.click();
  await expect.poll(search).toBe(`?sandbox=${encodeURIComponent(localKey(id))}`);
  await expect.poll(count(table)).toBe(1);

  const operationId = await ended(await admin.kill([id]));
  await openPage(pageOf(id));
  await expect.element(main).toHaveTextContent('It was killed here by admin.');
  await expectAccessibleInBothThemes('a terminated sandbox');
  await page.getByRole('link', { name: 'View operation' }).click();
  await expect.element(page.getByRole('heading', { name: `Kill ${id}` })).toBeVisible();
  expect(window.location.pathname).toBe(`/operations/${operationId}`);
  await rowsOf(items).getByRole('link', { name: id }).click();
  await expect.poll(() => window.location.pathname).toBe(pageOf(id));
});

test('filters the log by action, person, outcome, time and sandbox, in the URL', async () => {
  const [one = '', other = ''] = await createAll(2);
  await ended(await operator.pause([one]));
  await addFault({ route: `DELETE /sandboxes/${other}`, status: 403 });
  await ended(await admin.kill([one, other], 'a denied one'));
  await openPage('/operations');
  const choose = (label: string, option: string) => filter(label).selectOptions(option);

  await sandboxInput.fill(one);
  await press('{Enter}');
  await expect.poll(search).toBe(`?sandbox=${one}`);
  await expect.element(sandboxInput).toHaveFocus();
  await expect.poll(count(table)).toBe(2);

  await choose('Action', 'Kills');
  await expect.poll(count(table)).toBe(1);
  await expect.element(rowsOf(table)).toHaveTextContent('Kill 2 sandboxes');
  await choose('Action', 'All actions');
  await choose('Person', 'operator');
  await expect.element(rowsOf(table)).toHaveTextContent(`Pause ${one}`);
  await choose('Person', 'Anyone');
  await choose('Outcome', 'With failures');
  await expect.element(rowsOf(table)).toHaveTextContent('1 denied');
  await choose('Time', 'Last hour');
  await expect.poll(search).toMatch(/state=troubled.*within=1h/);
  await expect.poll(count(table)).toBe(1);

  await openPage(`/operations${search()}`);
  await expect.element(filter('Outcome')).toHaveValue('troubled');
  await expect.poll(count(table)).toBe(1);

  const to = page.getByLabelText('To', { exact: true });
  await choose('Time', 'Custom range…');
  await to.fill('2020-01-01T00:00');
  await press('{Enter}');
  await expect.poll(search).toMatch(/to=(2020-01-01|2019-12-31)T/);
  await expect.element(page.getByText('No operations match these filters.')).toBeVisible();
  await expect.element(to).toHaveValue('2020-01-01T00:00');
  await expectAccessible('the log with nothing in it');
  await page.getByRole('button', { name: 'Show all operations' }).click();
  await expect.poll(search).toBe('');
  await expect.poll(count(table)).toBeGreaterThan(1);

  await sandboxInput.fill("' or 1=1");
  await press('{Enter}');
  await expect.element(page.getByText('This is not a valid sandbox ID.')).toBeVisible();
  window.history.back();
  await expect.poll(count(table)).toBeGreaterThan(1);
});

test('announces new operations in the log and updates the running ones', async () => {
  const [earlier = '', ...ids] = await createAll(3);
  await ended(await admin.kill([earlier]));
  await openPage('/operations');
  await expect.element(entry(`Kill ${earlier}`)).toBeVisible();
  await addFault({ route: `DELETE /sandboxes/${ids[0]}`, latencyMs: 5_000 });
  const operationId = await admin.kill(ids, 'seen by others');
  const news = page.getByRole('button', { name: /^\d+ new · show/ });
  await expect.element(news).toBeVisible();
  const added = entry('seen by others');
  await expect.element(added).not.toBeInTheDocument();
  await news.click();
  await expect.element(added).toHaveTextContent('1 in progress');
  await expect.element(added).toHaveTextContent('2 killed, verified');
  await added.getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect.poll(() => window.location.pathname).toBe(`/operations/${operationId}`);
});

test('follows an operation to its end, also after a reload', async () => {
  const ids = await createAll(Array.from({ length: 8 }, (_, at) => ({ owner: 'ana', run: `pr-${at}` })));
  // Six end early, so that the page knows how fast the operation is.
  for (const id of ids.slice(0, 2)) await addFault({ route: `DELETE /sandboxes/${id}`, latencyMs: 6_000 });
  const operationId = await admin.kill(ids, 'nightly leftovers', 'owner=ana');
  await openPage(`/operations/${operationId}`);
  await expect.poll(() => document.title).toMatch(/^Kill 8 sandboxes/);
  await expect.element(page.getByRole('heading', { name: 'Kill 8 sandboxes' })).toBeVisible();
  await expect.element(main).toHaveTextContent(/admin · .* · “nightly leftovers” · owner=ana/);
  await expect.element(button(/in progress/)).toBeVisible();
  await expectAccessibleInBothThemes('an operation under way');
  await openPage(`/operations/${operationId}`);
  await expect.element(button(/killed, verified/)).toBeVisible();
  await expect.element(main).toHaveTextContent(/per (second|minute), about .* left/);
  await expect.element(button('8 killed, verified')).toBeVisible();
  await expect.element(main).toHaveTextContent(/Took \d/);
  await expect.element(button('Stop the rest')).not.toBeInTheDocument();
  // The metadata that tells it from the others comes first.
  await expect
    .element(rowsOf(items).filter({ hasText: ids[0] ?? '' }))
    .toHaveTextContent(/Killed, verified.*base\s*run=pr-0.*owner=ana.*\d (ms|s)$/);
});

test('retries exactly the selected failures', async () => {
  const ids = await createAll(5);
  const denied = ids.slice(1, 4).sort();
  const mend = await Promise.all(
    denied.map((id) => addFault({ route: `DELETE /sandboxes/${id}`, status: 403 })),
  );
  const operationId = await admin.kill(ids, 'first try');
  await openPage(`/operations/${operationId}`);
  await expect.element(button('2 killed, verified')).toBeVisible();
  await button('3 denied').click();
  await expect.poll(search).toBe('?show=denied');
  await expect.poll(count(items)).toBe(3);
  await expect.element(rowsOf(items).first()).toHaveTextContent('does not allow');
  await expectAccessible('an operation with failures');
  await openPage(`/operations/${operationId}${search()}`);
  await expect.poll(count(items)).toBe(3);

  const [left = '', ...chosen] = denied;
  await expect.element(button('Retry 3 failed…')).toBeEnabled();
  await page.getByRole('checkbox', { name: 'Select all 3 failed' }).click();
  await page.getByRole('checkbox', { name: `Select ${left}` }).click();
  for (const remove of mend) await remove();
  const [other = ''] = await createAll(1);
  await button('Retry 2 selected…').click();
  const dialog = page.getByRole('alertdialog', { name: 'Kill 2 sandboxes' });
  await dialog.getByRole('textbox', { name: /kill 2/ }).fill('kill 2');
  await dialog.getByRole('button', { name: 'Kill 2 sandboxes' }).click();
  await expect.element(dialog).not.toBeInTheDocument();

  await expect.element(main).toHaveTextContent(/Retried at .*: Kill 2 sandboxes \(2 killed, verified\)/);
  await main.getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect.element(button('2 killed, verified')).toBeVisible();
  await expect
    .element(main.getByRole('link', { name: 'an earlier operation' }))
    .toHaveAttribute('href', `/operations/${operationId}`);
  const retryId = window.location.pathname.split('/').at(-1) ?? '';
  const { operation, items: retried } = await readRecord(retryId);
  expect(operation.retryOf).toBe(operationId);
  expect(retried.map(({ sandboxKey }) => sandboxKey).sort()).toEqual(chosen.map(localKey));
  for (const id of [left, other]) expect(await moru.stateOf(id)).toBe('running');
});

/** Metadata that could do harm. */
const HOSTILE = {
  html: '<img src=x onerror="window.attacked = true">',
  lines: 'first\r\nsecond\nthird',
  rtl: 'safe\u202Egnp.exe',
  long: 'x'.repeat(900),
};
const ATTACK = '<script>window.attacked = true</script>';

test('copies results, and shows hostile text as text in rows of one line', async () => {
  const copied = catchCopies();
  const [id = '', ...others] = await createAll([HOSTILE, {}, {}]);
  const operationId = await ended(await admin.kill([id, ...others], ATTACK, 'owner=ana'));
  await openPage(`/operations/${operationId}`);
  await page.getByRole('button', { name: 'Copy or download' }).click();
  await expect.element(page.getByRole('menuitem', { name: 'Download CSV' })).toBeVisible();
  await expectAccessibleInBothThemes('the menu of results');
  await page.getByRole('menuitem', { name: 'Copy as CSV' }).click();
  await expect.element(toast('Copied 3 results as CSV')).toBeVisible();
  expect(copied[0]).toContain(operationId);

  const row = rowsOf(items).filter({ hasText: id });
  expect(row.element().getBoundingClientRect().height).toBe(34);
  await expect.element(row).toHaveTextContent(HOSTILE.html);
  expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(window.innerWidth);
  await openPage('/operations');
  await expect.element(entry(ATTACK)).toBeVisible();
  expect('attacked' in window).toBe(false);
});

test('lets viewers read everything and change nothing', async () => {
  const [one = '', other = '', slow = ''] = await createAll(3);
  await addFault({ route: `DELETE /sandboxes/${one}`, status: 403 });
  await ended(await admin.kill([one, other], 'for a viewer to read'));
  await openPage('/operations', { role: 'viewer' });
  await entry('for a viewer to read').getByRole('link', { name: 'Kill 2 sandboxes' }).click();
  await expect.element(button('1 denied')).toBeVisible();
  const retry = button('Retry 1 failed…');
  await expect.element(retry).toHaveAttribute('aria-disabled', 'true');
  await expect.element(retry).toHaveAccessibleDescription('Requires the admin role.');
  await page.getByRole('button', { name: 'Copy or download' }).click();
  await expect.element(page.getByRole('menuitem', { name: 'Download JSON' })).toBeEnabled();
  await press('{Escape}');

  await addFault({ route: `DELETE /sandboxes/${slow}`, latencyMs: 3_000 });
  await openPage(`/operations/${await admin.kill([slow])}`, { role: 'viewer' });
  await expect.element(button(/Cancel|Stop the rest/)).toHaveAttribute('aria-disabled', 'true');
});

test('loads a long operation to its last sandbox', async () => {
  const ids = await createAll(120);
  const operationId = await operator.setTimeLeft(ids, 30 * 60_000);
  await openPage(`/operations/${operationId}`);
  await expect.element(button('120 updated')).toBeVisible();
  await expect.element(items).toHaveAttribute('aria-rowcount', '121');
  expect(count(items)()).toBeLessThan(80);
  items.element().focus();
  await press('{End}');
  const last = (await readRecord(operationId)).items.at(-1)?.sandbox.id ?? '';
  await expect.element(rowsOf(items).filter({ hasText: last })).toBeVisible();
});

test('says that a sandbox or an operation is unknown', async () => {
  await openPage(pageOf('i00000000000000000000'));
  await expect.element(page.getByRole('heading', { name: 'Sandbox not found' })).toBeVisible();
  await expectAccessibleInBothThemes('an unknown sandbox');
  await openPage('/operations/nosuchoperation');
  await expect.element(page.getByRole('heading', { name: 'Operation not found' })).toBeVisible();
  await expectAccessibleInBothThemes('an unknown operation');
});

test.each([1280, 390])('shows every outcome count whole at %i px', async (width) => {
  onTestFinished(() => page.viewport(1280, 720));
  await page.viewport(width, 720);
  const counts = {
    ...noCounts(),
    done: 1_234,
    failed: 12,
    denied: 7,
    unknown: 5,
    skipped: 23,
    cancelled: 108,
  };
  const operation: Operation = {
    ...(await readRecord(await ended(await operator.pause(await createAll(1))))).operation,
    act: 'kill',
    counts,
    cancelledBy: 'a colleague with a long name',
  };
  const whole = { entries: [{ operation, sandboxKey: null, split: [] }], older: null };
  await renderInPage(
    <OperationLog search={WHOLE_LOG} page={whole} errorEnds={{}} actors={[]} nowMs={Date.now()} />,
  );
  const cell = rowsOf(table).getByRole('cell').filter({ hasText: 'killed, verified' });
  const box = cell.element().getBoundingClientRect();
  const parts = [
    ...cell.element().querySelectorAll('p > span'),
    ...cell.element().querySelectorAll('div > span'),
  ];
  const texts = parts.map(({ textContent }) => textContent);
  for (const text of ['1234 killed, verified', '12 failed', '7 denied', '108 cancelled'])
    expect(texts).toContain(text);
  for (const part of parts) {
    const { left, right, top, bottom } = part.getBoundingClientRect();
    expect([left >= box.left, right <= box.right, top >= box.top, bottom <= box.bottom]).not.toContain(false);
  }
});

test('shows a whole row of an operation on a phone, also the reason of a failure', async () => {
  onTestFinished(() => page.viewport(1280, 720));
  await page.viewport(390, 720);
  const [denied = '', ...others] = await createAll([{ owner: 'ana' }, { owner: 'li' }, { owner: 'bo' }]);
  const message = 'The sandbox is part of a release that nobody may end before it is out.';
  await addFault({ route: `DELETE /sandboxes/${denied}`, status: 403, message });
  const operationId = await ended(await admin.kill([denied, ...others], 'on the go'));
  await openPage(`/operations/${operationId}`);
  const row = rowsOf(items).filter({ hasText: denied });
  await expect.element(row).toHaveTextContent(/Denied.*owner=ana.*before it is out/);
  const list = items.element();
  expect(list.scrollWidth).toBe(list.clientWidth);
  const boxes = () =>
    rowsOf(items)
      .elements()
      .map((element) => element.getBoundingClientRect())
      .toSorted((a, b) => a.top - b.top);
  // No row covers the next one, and none is cut.
  await expect
    .poll(() => boxes().every((box, at) => at === 0 || box.top >= (boxes()[at - 1]?.bottom ?? 0) - 0.5))
    .toBe(true);
  for (const cell of row.element().querySelectorAll('[role=cell]'))
    expect(cell.getBoundingClientRect().right).toBeLessThanOrEqual(390);
  await expectAccessibleInBothThemes('an operation on a phone');
});

test('says what an empty log will hold', async () => {
  const empty = { entries: [], older: null };
  await renderInPage(
    <OperationLog search={WHOLE_LOG} page={empty} errorEnds={{}} actors={[]} nowMs={Date.now()} />,
  );
  await expect.element(page.getByRole('heading', { name: 'No operations yet' })).toBeVisible();
  const link = page.getByRole('link', { name: 'View sandboxes' });
  await expect.element(link).toHaveAttribute('href', '/sandboxes');
  await expectAccessibleInBothThemes('the empty log');
});
