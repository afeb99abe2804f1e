import { afterEach, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { StaleBanner } from '@/components/sandbox/stale-banner';
import { LOCAL, localKey, pageOf } from '@/e2e/support/local';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { chooseRowAction, filterBox, grid, OwnFleet, press, row, rows } from '@/e2e/support/served/fleet';
import { catchCopies, lookAway, openPage, renderInPage, toast } from '@/e2e/support/served/page';
import { moru } from '@/e2e/support/served/sandboxes';
import type { FleetStatus } from '@/lib/fleet/delta';
import { COLUMNS_COOKIE } from './column-choice';
import { FleetEmpty } from './fleet-empty';

/** The newest row first, as the page orders them unless it is told otherwise. */
const NEWEST = { more: '' };
const UTC = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/;

const column = (name: string) => page.getByRole('columnheader', { name });
const columnChoice = (name: string | RegExp) => page.getByRole('checkbox', { name });
const button = (name: string) => page.getByRole('button', { name, exact: true });
const news = (name: string) => page.getByRole('button', { name });
const timeOf = (id: string) => row(id).element().querySelector('time')?.getAttribute('title');
const leftMs = async (id: string) => new Date((await moru.find(id))?.endAt ?? 0).getTime() - Date.now();
const expectActive = (id = '') =>
  expect.element(grid).toHaveAttribute('aria-activedescendant', `row-${localKey(id)}`);

/** The columns are remembered in a cookie, which other files share. */
afterEach(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: as the page does.
  document.cookie = `${COLUMNS_COOKIE}=; path=/; max-age=0`;
});

async function openWith(...list: Record<string, string>[]) {
  const fleet = new OwnFleet();
  const ids: string[] = [];
  // One after the other, so that their order is known.
  for (const metadata of list) ids.push(await fleet.create(metadata));
  await fleet.open(ids.length, NEWEST);
  return { fleet, ids };
}

test('updates ages and times left', async () => {
  const { ids } = await openWith({});
  const times = () =>
    row(ids[0] ?? '')
      .getByRole('gridcell', { name: /^(\d+m )?\d+s$/ })
      .elements()
      .map(({ textContent }) => textContent);
  const [age, left] = times();
  expect(left).toBeDefined();
  await expect.poll(() => times()[0]).not.toBe(age);
  await expect.poll(() => times()[1]).not.toBe(left);
});

test('pauses and resumes from the row', async () => {
  const { ids } = await openWith({});
  const [id = ''] = ids;
  await chooseRowAction(id, 'Pause');
  await expect.element(row(id)).toHaveTextContent('Paused');
  expect(await moru.stateOf(id)).toBe('paused');
  await row(id)
    .getByRole('button', { name: `Actions for ${id}` })
    .click();
  const pause = page.getByRole('menuitem', { name: /^Pause/ });
  await expect.element(pause).toHaveAttribute('aria-disabled', 'true');
  await expect.element(pause).toHaveTextContent('It is already paused.');
  await expectAccessibleInBothThemes('the menu of a row');
  await press('{Escape}');
  await chooseRowAction(id, 'Resume…');
  await expect.element(page.getByRole('button', { name: /^Resume/ })).toHaveFocus();
  await press('{Enter}');
  await expect.element(row(id)).toHaveTextContent('Running');
  expect(await leftMs(id)).toBeGreaterThan(14 * 60_000);
});

test('sets the time left, and shows the deadline before and the granted time after', async () => {
  const { ids } = await openWith({});
  const [id = ''] = ids;
  const dialog = page.getByRole('dialog', { name: `Set time left of ${id}` });
  const minutes = dialog.getByRole('textbox', { name: /^Minutes from now/ });
  const set = dialog.getByRole('button', { name: 'Set time left' });
  await chooseRowAction(id, 'Set time left…');
  await minutes.fill('30');
  expect(dialog.element().querySelector('time')?.title).toMatch(/ UTC$/);
  await set.click();
  await expect.element(row(id)).toHaveTextContent(/29m|30m/);
  expect(await leftMs(id)).toBeGreaterThan(29 * 60_000);

  await chooseRowAction(id, 'Set time left…');
  await minutes.fill('soon');
  await expect.element(set).toHaveAttribute('aria-disabled', 'true');
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('Enter a whole number of minutes');
  await minutes.fill('600');
  await set.click();
  await expect.element(toast('The service granted').filter({ hasText: id })).toBeVisible();
});

test('keeps filter, sort order and columns in the URL', async () => {
  const { fleet, ids } = await openWith({ owner: 'ana', run: '7' }, { owner: 'bjorn' });
  const [ana = '', other = ''] = ids;
  await filterBox.fill('owner=ana ');
  await press('{Escape}');
  const template = column('Template');
  for (let click = 0; click < 2; click += 1) await template.getByRole('button').click();
  await expect.element(template).toHaveAttribute('aria-sort', 'descending');
  await template.getByRole('button').click();
  await button('Columns').click();
  await columnChoice('Size').click();
  await columnChoice(/^run/).click();
  await expectAccessibleInBothThemes('the column chooser');
  await expect.poll(() => window.location.search).toMatch(/q=.*owner.*sort=template.*cols=/);

  const { search } = window.location;
  await openPage('/sandboxes');
  await openPage(`/sandboxes${search}`);
  await expect.element(row(ana)).toBeVisible();
  await expect.element(row(other)).not.toBeInTheDocument();
  await expect.element(button('Remove owner=ana')).toBeVisible();
  await expect.element(button(`Remove tag=${fleet.tag}`)).toBeVisible();
  await expect.element(column('Template')).toHaveAttribute('aria-sort', 'ascending');
  await expect.element(column('run')).toBeVisible();
  await expect.element(column('Size')).not.toBeInTheDocument();
});

test('remembers columns without the URL', async () => {
  const { fleet, ids } = await openWith({ owner: 'ana' });
  const [id = ''] = ids;
  await button('Columns').click();
  await columnChoice('Started').click();
  await columnChoice(/^owner/).click();
  await expect.element(columnChoice('Sandbox')).toBeDisabled();
  for (let step = 0; step < 2; step += 1) await button('Move up: Started').click();
  await press('{Escape}');

  await fleet.open(1, NEWEST);
  await expect.element(column('Started')).toBeVisible();
  const titles = [...document.querySelectorAll('[data-column]')].map(({ textContent }) => textContent);
  expect(titles.slice(-3)).toEqual(['Started', 'Time left', 'Size']);
  await expect.element(column('owner')).toBeVisible();
  // A key with its own column is no longer shown in the metadata column.
  await expect.element(row(id).getByRole('gridcell', { name: 'ana', exact: true })).toBeVisible();
  await expect.element(row(id)).not.toHaveTextContent('owner=');
  expect(timeOf(id)).toMatch(UTC);

  await button('Columns').click();
  await columnChoice(/^owner/).click();
  await columnChoice('Started').click();
  await expect.element(column('Started')).not.toBeInTheDocument();
  await press('{Escape}');
});

test('keeps rows in place under the pointer and announces changes', async () => {
  const { fleet, ids } = await openWith({}, {});
  const [older = '', id = ''] = ids;
  const placeOf = () => row(id).element().getBoundingClientRect().top;
  await row(id).hover();
  const place = placeOf();

  const newcomer = await fleet.create();
  await expect.element(news('1 new')).toBeVisible();
  await expect.element(row(newcomer)).not.toBeInTheDocument();
  expect(placeOf()).toBe(place);
  await moru.kill(older);
  await expect.element(row(older)).toHaveTextContent('Terminated');
  expect(placeOf()).toBe(place);
  await news('1 new, 1 gone').click();
  await expect.element(row(newcomer)).toBeVisible();
  await expect.element(row(older)).not.toBeInTheDocument();

  await row(id).hover();
  const last = await fleet.create();
  await expect.element(news('1 new')).toBeVisible();
  await lookAway();
  await expect.element(row(last)).toBeVisible();
});

test('moves through the rows by keyboard and opens one', async () => {
  const { fleet, ids } = await openWith({}, {}, {});
  const [third, second = '', first] = ids;
  grid.element().focus();
  await press('{ArrowDown}');
  await expectActive(first);
  await press('{End}');
  await expectActive(third);
  await press('{ArrowUp}');
  await expectActive(second);
  await expect.element(row(second)).toHaveAttribute('aria-selected', 'false');
  // The active row stays active when others are inserted before it.
  const newcomer = await fleet.create();
  await expect.element(row(newcomer)).toBeVisible();
  await expectActive(second);
  await press('{Delete}');
  await expect.element(page.getByRole('alertdialog', { name: `Kill sandbox ${second}` })).toBeVisible();
  await press('{Escape}');
  await expect.element(grid).toHaveFocus();
  await press('{Enter}');
  await expect.poll(() => window.location.pathname).toBe(pageOf(second));
  await expect.element(page.getByRole('main')).toHaveTextContent(second);
});

test('Tab visits only the controls of the active row', async () => {
  const { ids } = await openWith({}, {});
  const id = ids[1] ?? '';
  grid.element().focus();
  await press('{ArrowDown}');
  column('Size').getByRole('button').element().focus();
  await userEvent.tab();
  await expect.element(page.getByRole('separator', { name: 'Width of Size' })).toHaveFocus();
  for (const name of [id, `Copy ${id}`, `Actions for ${id}`]) {
    await userEvent.tab();
    expect(row(id).element().contains(document.activeElement)).toBe(true);
    expect(document.activeElement).toHaveAccessibleName(name);
  }
  await userEvent.tab();
  expect(grid.element().contains(document.activeElement)).toBe(false);
});

test('/ focuses the filter, except in an input or a dialog', async () => {
  const { ids } = await openWith({});
  const [id = ''] = ids;
  await press('/');
  await expect.element(filterBox).toHaveFocus();
  await expect.element(filterBox).toHaveValue('');
  await press('a/b');
  await expect.element(filterBox).toHaveValue('a/b');
  await filterBox.fill('');
  await press('{Escape}');

  await button('New sandbox').click();
  const dialog = page.getByRole('dialog', { name: 'New sandbox' });
  const template = dialog.getByLabelText('Template');
  await template.fill('');
  await press('/');
  await expect.element(template).toHaveValue('/');
  await expect.element(template).toHaveFocus();
  await dialog.getByLabelText('Metadata').fill('nonsense');
  await expectAccessibleInBothThemes('the dialog for a new sandbox with an error');
  await press('{Escape}');

  await chooseRowAction(id, 'Kill…');
  const cancel = page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' });
  await expect.element(cancel).toHaveFocus();
  await press('/');
  await expect.element(cancel).toHaveFocus();
  await press('{Escape}');
});

test('copies the ID', async () => {
  const { ids } = await openWith({});
  const [id = ''] = ids;
  const copied = catchCopies();
  await row(id).hover();
  await row(id)
    .getByRole('button', { name: `Copy ${id}` })
    .click();
  await expect.element(row(id).getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(copied).toEqual([id]);
});

test('the header shows the number of sandboxes, the limit and the age of the data', async () => {
  await openWith({});
  const bar = page.getByRole('banner');
  await expect.element(bar).toHaveTextContent(/\d+ running · \d+ paused/);
  await expect.element(bar).toHaveTextContent('of 20000');
  await expect.element(bar).toHaveTextContent('Local engine');
  await expect.element(bar).toHaveTextContent(/as of [0-2]s ago/);
});

test('is accessible in both themes, with a filter error, suggestions and no matches', async () => {
  const { fleet, ids } = await openWith({ owner: 'ana' }, { environment: 'development' });
  await moru.pause(ids[0] ?? '');
  await expect.element(row(ids[0] ?? '')).toHaveTextContent('Paused');
  await expectAccessibleInBothThemes('the fleet');
  await button('Account and theme').click();
  await expect.element(page.getByRole('menu')).toBeVisible();
  await expectAccessibleInBothThemes('the account menu');
  await press('{Escape}');
  await filterBox.click();
  await filterBox.fill(`owner=ana age>`);
  await expectAccessibleInBothThemes('suggestions and a filter error');
  await filterBox.fill('');
  await fleet.filter('nothing-has-this');
  await expect.element(page.getByText('No sandboxes match this filter.')).toBeVisible();
  expect(rows.elements()).toEqual([]);
  await expectAccessibleInBothThemes('a filter that nothing passes');
});

test('is accessible in both themes while it is empty or cannot be read', async () => {
  const status: FleetStatus = {
    asOfMs: Date.now() - 60_000,
    problem: { code: 'unavailable', message: 'The service cannot be reached.' },
    unreadable: 0,
    isEndless: false,
    serviceAheadMs: 0,
    maxRunning: null,
    lacking: {},
  };
  await renderInPage(
    <main>
      <StaleBanner status={status} nowMs={Date.now()} />
      <FleetEmpty
        forbidden={null}
        demoIn={LOCAL}
        cannotFill={null}
        onNew={() => {}}
        kinds={['local', 'e2b']}
      />
    </main>,
  );
  await expect.element(page.getByRole('status')).toHaveTextContent('What you see is 1m 00s old.');
  await expectAccessibleInBothThemes('an empty fleet that cannot be read');
});

test('ignores invalid parameters in its URL', async () => {
  const { ids } = await openWith({});
  await openPage('/sandboxes?sort=nothing&cols=x%20y&q=');
  await expect.element(row(ids[0] ?? '')).toBeVisible();
});
