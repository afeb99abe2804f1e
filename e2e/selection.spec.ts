import { expect, type Page, test } from './support/fixtures';
import type { Moru } from './support/moru';
import {
  checkboxOf,
  chooseRowAction,
  dock,
  expectNoRow,
  expectRow,
  filter,
  filterBox,
  headCheckbox,
  idsInOrder,
  killDialog,
  lookAway,
  openFleet,
  row,
  rows,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

const MANY = 1_500;
/** The server takes a while to read a long list. */
const CRAWLED_WITHIN_MS = 40_000;

const grid = (page: Page) => page.getByRole('grid', { name: 'Sandboxes' });
const act = (page: Page, name: string | RegExp) => dock(page).getByRole('button', { name });

/** Creates a sandbox for each metadata and opens the fleet. Returns the ids in the order on screen. */
async function openWith(page: Page, moru: Moru, all: readonly Record<string, string>[]): Promise<string[]> {
  const ids: string[] = [];
  for (const metadata of all) ids.push(await moru.create({ metadata }));
  await openFleet(page, '?sort=id');
  await expect(rows(page)).toHaveCount(ids.length);
  return ids.sort();
}

const plain = (count: number) => Array.from({ length: count }, () => ({}));

/** Expects exactly the rows at these positions to be selected. */
async function expectSelected(page: Page, places: readonly number[]): Promise<void> {
  await expect
    .poll(async () => {
      const selected = await rows(page).evaluateAll((elements) =>
        elements
          .filter((element) => element.getAttribute('aria-selected') === 'true')
          .map((element) => Number(element.getAttribute('aria-rowindex')) - 2),
      );
      return selected.sort((a, b) => a - b);
    })
    .toEqual(places);
}

test('a click anywhere in the checkbox cell toggles a row', async ({ page, moru }) => {
  const [first = '', second = ''] = await openWith(page, moru, plain(2));
  await expect(dock(page)).toHaveCount(0);
  await checkboxOf(page, first).click();
  await expect(checkboxOf(page, first)).toBeChecked();
  await expect(row(page, first)).toHaveAttribute('aria-selected', 'true');
  await expect(dock(page)).toContainText('1 selected');
  await expect(dock(page)).toContainText('1 running');

  const box = await row(page, second).boundingBox();
  for (const [x, y] of [
    [3, 2],
    [42, 31],
  ] as const) {
    await page.mouse.click((box?.x ?? 0) + x, (box?.y ?? 0) + y);
    await expectSelected(page, x === 3 ? [0, 1] : [0]);
  }
  await checkboxOf(page, first).click();
  await expect(dock(page)).toHaveCount(0);
});

test('Shift and a click select a range in the order on screen', async ({ page, moru }) => {
  const ids = await openWith(page, moru, plain(6));
  const click = (place: number, modifiers: 'Shift'[] = []) =>
    checkboxOf(page, ids[place] ?? '').click({ modifiers });
  await click(1);
  await click(4, ['Shift']);
  await expectSelected(page, [1, 2, 3, 4]);
  await click(0, ['Shift']);
  await expectSelected(page, [0, 1]);
  await click(4);
  await click(2, ['Shift']);
  await expectSelected(page, [0, 1, 2, 3, 4]);
  await click(3);
  await click(1, ['Shift']);
  await expectSelected(page, [0, 4]);
  expect(await page.evaluate(() => window.getSelection()?.toString())).toBe('');

  await page.getByRole('columnheader', { name: 'Sandbox', exact: true }).getByRole('button').click();
  await lookAway(page);
  await expect.poll(() => idsInOrder(page)).toEqual(ids.toReversed());
  await expectSelected(page, [1, 5]);
  await click(5);
  await click(2, ['Shift']);
  await expectSelected(page, [0, 1, 2, 3, 5]);
});

test('the checkbox in the header selects all matching rows and shows how many are selected', async ({
  page,
  moru,
}) => {
  const agents = { team: 'agents' };
  await openWith(page, moru, [agents, agents, agents, { team: 'evals' }]);
  const head = headCheckbox(page);
  await filter(page, 'team=evals');
  await head.check();
  await filter(page, 'team=agents');
  await expect(rows(page)).toHaveCount(3);
  await expect(head).not.toBeChecked();
  await rows(page).first().getByRole('checkbox').click();
  await expect(head).toBeChecked({ indeterminate: true });
  await expect(dock(page)).toContainText('1 selected');

  await head.click();
  await expect(head).toBeChecked({ indeterminate: false });
  await expect(head).toBeChecked();
  await expectSelected(page, [0, 1, 2]);
  await expect(dock(page)).toContainText('3 selected');
  await expect(dock(page)).toContainText('all matching');
  await expect(act(page, /^Select all/)).toHaveCount(0);
  await rows(page).nth(1).getByRole('checkbox').click();
  await expect(head).toBeChecked({ indeterminate: true });
  await expect(dock(page)).toContainText('2 selected');
  await act(page, 'Select all 3 matching').click();
  await expectSelected(page, [0, 1, 2]);

  // Rows selected under another filter stay selected.
  await head.click();
  await expectSelected(page, []);
  await expect(dock(page)).toContainText('0 selected');
  await expect(dock(page)).toContainText('1 hidden by the filter, not included');
  await expect(act(page, /^Kill/)).toBeDisabled();
  await expect(act(page, /^Kill/)).toHaveAccessibleDescription('No selected sandbox matches the filter.');
});

test('excludes rows hidden by the filter, says so, and restores them without the filter', async ({
  page,
  moru,
}) => {
  const ids = await openWith(page, moru, [
    { owner: 'ana' },
    { owner: 'ana' },
    { owner: 'li' },
    { owner: 'li' },
  ]);
  await headCheckbox(page).check();
  await expect(dock(page)).toContainText('4 selected');
  await filter(page, 'owner=ana');
  await expect(dock(page)).toContainText('2 selected');
  await expect(dock(page)).toContainText('2 more hidden by the filter, not included');
  const shown = await idsInOrder(page);
  await act(page, 'Pause 2').click();
  // An operation takes its sandboxes out of the selection.
  await expect(dock(page)).toContainText('0 selected');
  for (const id of shown) await expect.poll(() => moru.stateOf(id)).toBe('paused');

  await filter(page, '');
  await expect(rows(page)).toHaveCount(4);
  await expectSelected(
    page,
    ids.flatMap((id, at) => (shown.includes(id) ? [] : [at])),
  );
  await expect(dock(page)).toContainText('2 selected');
  await expect(dock(page)).not.toContainText('hidden');
  for (const id of ids) expect(await moru.stateOf(id)).toBe(shown.includes(id) ? 'paused' : 'running');
});

test('removes gone rows from the selection, does not add new ones, and keeps changed ones', async ({
  page,
  moru,
}) => {
  const [first = '', second = '', third = ''] = await openWith(page, moru, plain(3));
  await headCheckbox(page).check();
  await lookAway(page);
  await moru.kill(second);
  await expectNoRow(page, second);
  await expect(dock(page)).toContainText('2 selected');

  const newcomer = await moru.create();
  await expectRow(page, newcomer);
  await expect(checkboxOf(page, newcomer)).not.toBeChecked();
  await expect(dock(page)).toContainText('2 selected');
  await expect(dock(page)).toContainText('all matching except 1');

  await moru.pause(first);
  await expectRow(page, first, 'Paused');
  await expect(dock(page)).toContainText('1 running · 1 paused');
  for (const title of ['State', 'Age']) {
    await page.getByRole('columnheader', { name: title }).getByRole('button').click();
    for (const id of [first, third]) await expect(checkboxOf(page, id)).toBeChecked();
    await expect(checkboxOf(page, newcomer)).not.toBeChecked();
  }
});

test('does not count a gone row that is held under the pointer', async ({ page, moru }) => {
  const ids = await openWith(page, moru, plain(4));
  const [first = '', second = '', third = ''] = ids;
  await checkboxOf(page, first).click();
  await checkboxOf(page, second).click();
  await moru.kill(second);
  await expectRow(page, second, 'Terminated');
  await expect(dock(page)).toContainText('1 selected');
  await expect(checkboxOf(page, second)).toBeDisabled();
  await expect(checkboxOf(page, second)).not.toBeChecked();
  await checkboxOf(page, first).click();
  await checkboxOf(page, first).click();
  await checkboxOf(page, third).click({ modifiers: ['Shift'] });
  await expect(dock(page)).toContainText('2 selected');
  await expectSelected(page, [0, 2]);
});

test('selects by keyboard', async ({ page, moru }) => {
  const ids = await openWith(page, moru, plain(5));
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await grid(page).focus();
  await press('ArrowDown', 'ArrowDown', ' ');
  await expectSelected(page, [1]);
  await expect(page.locator('[aria-live=polite]', { hasText: '1 selected' })).toHaveCount(1);
  await press('Shift+ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown');
  await expectSelected(page, [1, 2, 3, 4]);
  await press('Shift+ArrowUp');
  await expectSelected(page, [1, 2, 3]);
  await expect(grid(page)).toHaveAttribute('aria-activedescendant', `row-${ids[3]}`);
  // A move without Shift selects nothing, and sets the start of the next range.
  await press('Home');
  await expectSelected(page, [1, 2, 3]);
  await press(' ', ' ', 'End', 'Shift+ArrowUp');
  await expectSelected(page, [1, 2, 3, 4]);
  await press('Home', 'Shift+ ');
  await press('ControlOrMeta+a');
  await expectSelected(page, [0, 1, 2, 3, 4]);
  await press(' ');
  await expectSelected(page, [1, 2, 3, 4]);

  await press('Tab');
  await expect(act(page, 'Select all 5 matching')).toBeFocused();
  await press('Tab', 'Tab', 'Tab', 'Tab');
  await expect(act(page, 'Pause 4')).toBeFocused();
  await press('Enter');
  for (const id of ids.slice(1)) await expect.poll(() => moru.stateOf(id)).toBe('paused');
  await press('Escape');
  await expectSelected(page, []);
  await expect(dock(page)).toHaveCount(0);
  await expect(grid(page)).toBeFocused();
  expect(await moru.stateOf(ids[0] ?? '')).toBe('running');
});

test('Escape closes a dialog or leaves an input before it clears the selection', async ({ page, moru }) => {
  const [id = ''] = await openWith(page, moru, plain(1));
  await checkboxOf(page, id).click();
  await chooseRowAction(page, id, 'Kill…');
  await expect(killDialog(page, id)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(killDialog(page, id)).toBeHidden();
  await filterBox(page).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(checkboxOf(page, id)).toBeChecked();
  await grid(page).focus();
  await page.keyboard.press('Escape');
  await expect(checkboxOf(page, id)).not.toBeChecked();
});

test('the button in the dock clears the selection and moves the focus to the rows', async ({
  page,
  moru,
}) => {
  await openWith(page, moru, plain(2));
  await headCheckbox(page).check();
  await act(page, 'Clear selection').click();
  await expectSelected(page, []);
  await expect(dock(page)).toHaveCount(0);
  await expect(grid(page)).toBeFocused();
});

test('keeps the selection when a sandbox is opened', async ({ page, moru, sandkeeper }) => {
  const [first = '', second = ''] = await openWith(page, moru, plain(3));
  await checkboxOf(page, first).click();
  await checkboxOf(page, second).click();
  await row(page, second).getByRole('link').click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes/${second}`);
  await moru.kill(second);
  await expect(page.getByRole('main')).toContainText('Terminated');
  await page.goBack();
  await expectNoRow(page, second);
  await expect(dock(page)).toContainText('1 selected');
  await expect(checkboxOf(page, first)).toBeChecked();
});

test('keeps filter, order, scroll position and selection on the way to a sandbox and back', async ({
  page,
  moru,
}) => {
  await page.setViewportSize({ width: 1280, height: 360 });
  await moru.createMany(30, () => ({ owner: 'ana' }));
  await openFleet(page, '?q=owner%3Dana&sort=id');
  await expect(rows(page).first()).toBeVisible();
  await rows(page).nth(4).getByRole('checkbox').click();
  await lookAway(page);
  await grid(page).evaluate((element) => element.scrollTo(0, 120));
  for (const way of ['Breadcrumb', 'Main']) {
    // A click by the pointer would scroll the row out from under the dock first.
    await rows(page).nth(5).getByRole('link').dispatchEvent('click');
    await expect(page).toHaveURL(/\/sandboxes\/i/);
    await page.getByRole('navigation', { name: way }).getByRole('link', { name: 'Sandboxes' }).click();
    await expect(page).toHaveURL(/\/sandboxes\?q=owner(=|%3D)ana&sort=id$/);
    await expect(page.getByRole('button', { name: 'Remove owner=ana' })).toBeVisible();
    await expect(dock(page)).toContainText('1 selected');
    await expect.poll(() => grid(page).evaluate((element) => element.scrollTop)).toBe(120);
  }
});

test.describe('with another role', () => {
  test('a viewer can select and copy, and sees why other actions are unavailable', async ({
    page,
    moru,
    signIn,
    context,
  }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await signIn(page, 'viewer');
    const ids = await openWith(page, moru, plain(3));
    await expect(page.getByRole('button', { name: 'New sandbox' })).toBeDisabled();
    await headCheckbox(page).check();
    for (const [name, role] of [
      ['Set time left', 'operator'],
      ['Resume', 'operator'],
      ['Pause', 'operator'],
      ['Kill', 'admin'],
    ] as const) {
      await expect(act(page, name)).toBeDisabled();
      await expect(act(page, name)).toHaveAccessibleDescription(`Requires the ${role} role.`);
    }
    await expect(page.getByRole('tooltip')).toHaveCount(0);
    await act(page, 'Pause').focus();
    await page.keyboard.press('Tab');
    await expect(act(page, 'Kill')).toBeFocused();
    await expect(page.getByRole('tooltip')).toHaveText('Requires the admin role.');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alertdialog')).toHaveCount(0);
    await act(page, 'Copy 3 IDs').click();
    await expect(act(page, 'Copied')).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(ids.join('\n'));
  });
});

test('the dock does not hide the last rows, and toasts do not hide the dock', async ({ page, moru }) => {
  const count = 40;
  await moru.createMany(count, () => ({}));
  const lastId = (await moru.listIds()).sort().at(-1) ?? '';
  await openFleet(page, '?sort=id');
  await expect(grid(page)).toHaveAttribute('aria-rowcount', String(count + 1));
  await headCheckbox(page).check();
  await grid(page).focus();
  await page.keyboard.press('End');
  const last = row(page, lastId);
  const top = async () => (await dock(page).boundingBox())?.y ?? 0;
  const bottomOf = async () => {
    const box = await last.boundingBox();
    return (box?.y ?? Number.POSITIVE_INFINITY) + (box?.height ?? 0);
  };
  await expect.poll(async () => (await bottomOf()) <= (await top())).toBe(true);
  await page.keyboard.press('ArrowUp');
  await expect.poll(async () => (await bottomOf()) <= (await top())).toBe(true);

  await page.setViewportSize({ width: 640, height: 700 });
  await page.keyboard.press('End');
  await expect.poll(async () => (await bottomOf()) <= (await top())).toBe(true);
  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
  });
  await act(page, `Copy ${count} IDs`).click();
  const news = toast(page, 'does not allow copying');
  await expect(news).toBeVisible();
  await expect
    .poll(async () => {
      const box = await news.boundingBox();
      return (box?.y ?? 0) + (box?.height ?? Number.POSITIVE_INFINITY) <= (await top());
    })
    .toBe(true);
});

test(`selects all of ${MANY} rows, on screen or not`, async ({ page, moru, context }) => {
  test.slow();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await moru.createMany(MANY, (index) => ({ half: index % 2 === 0 ? 'even' : 'odd' }));
  await openFleet(page, '?sort=id');
  await expect(grid(page)).toHaveAttribute('aria-rowcount', String(MANY + 1), { timeout: CRAWLED_WITHIN_MS });
  await headCheckbox(page).check();
  await expect(dock(page)).toContainText(`${MANY} selected`);
  expect(await rows(page).count()).toBeLessThan(100);
  await act(page, `Copy ${MANY} IDs`).click();
  await expect(act(page, 'Copied')).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied.split('\n')).toEqual((await moru.listIds()).sort());

  await grid(page).focus();
  await page.keyboard.press('End');
  await page.keyboard.press(' ');
  await expect(dock(page)).toContainText(`${MANY - 1} selected`);
  await expect(dock(page)).toContainText('all matching except 1');
  await filter(page, 'half=even');
  await expect(dock(page)).toContainText(/\d+ selected/);
  await expect(dock(page)).toContainText(/(749|750) more hidden by the filter, not included/);
  await act(page, 'Clear selection').click();

  // A range includes rows that were never drawn.
  await filter(page, '');
  await grid(page).focus();
  await page.keyboard.press('Home');
  await page.keyboard.press(' ');
  await page.keyboard.press('Shift+End');
  await expect(dock(page)).toContainText(`${MANY} selected`);
  await expect(dock(page)).toContainText('all matching');
});
