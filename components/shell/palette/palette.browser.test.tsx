import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { pageOf } from '@/e2e/support/local';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { catchCopies, openPage } from '@/e2e/support/served/page';
import { moru } from '@/e2e/support/served/sandboxes';

/** Marks the sandboxes of this file: every component test shares one engine. */
const OWNER = `palette-${Math.random().toString(36).slice(2, 10)}`;
const MINE = `/sandboxes?q=owner%3D${OWNER}`;
const STORED = 'sandkeeper.commands';

let running: string[];
let paused: string;

beforeAll(async () => {
  const metadata = { owner: OWNER, note: '<b>bold</b>' };
  running = [await moru.create({ metadata }), await moru.create({ metadata })];
  paused = await moru.create({ metadata });
  await moru.pause(paused);
});

afterAll(async () => {
  for (const id of [...running, paused]) await moru.kill(id);
  localStorage.removeItem(STORED);
});

beforeEach(() => localStorage.removeItem(STORED));

const palette = page.getByRole('dialog', { name: 'Commands' });
const search = palette.getByRole('combobox', { name: 'Search commands and sandboxes' });
const options = palette.getByRole('option');
const command = (hasText: string | RegExp): Locator => options.filter({ hasText });
const highlighted = () => palette.element().querySelector('[data-highlighted]')?.textContent ?? null;
const rows = page.getByRole('row').filter({ has: page.getByRole('gridcell') });
const grid = page.getByRole('grid', { name: 'Sandboxes' });
const filterBox = page.getByRole('combobox', { name: 'Filter sandboxes' });

const textsOf = (locator: Locator) => locator.elements().map(({ textContent }) => textContent);
const press = (keys: string) => userEvent.keyboard(keys);

async function openPalette(text = ''): Promise<void> {
  await press('{Control>}k{/Control}');
  await expect.element(search).toHaveFocus();
  if (text !== '') await userEvent.fill(search, text);
}

async function closePalette(): Promise<void> {
  await press('{Escape}');
  await expect.element(palette).not.toBeInTheDocument();
}

/** Presses a key at once: a real press takes as long as the palette takes to load here. */
function pressAtOnce(key: string, ctrlKey = false): void {
  const event = new KeyboardEvent('keydown', { key, ctrlKey, bubbles: true, cancelable: true });
  (document.activeElement ?? document.body).dispatchEvent(event);
}

// The first test, because the palette is loaded once.
test('gets what is typed before it is loaded', async () => {
  await openMine();
  await filterBox.click();
  pressAtOnce('k', true);
  await Promise.resolve();
  for (const key of [...'dark th', 'Backspace', 'Backspace', ...'theme', 'Enter']) pressAtOnce(key);
  await expect.poll(() => document.documentElement.dataset.theme).toBe('dark');
  delete document.documentElement.dataset.theme;
  await expect.element(palette).not.toBeInTheDocument();
  await expect.element(filterBox).toHaveValue('');
});

/** Closes a dialog once it is open. */
async function closeDialog(name: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name });
  await expect.element(dialog).toBeVisible();
  await press('{Escape}');
  await expect.element(dialog).not.toBeInTheDocument();
}

/** Opens the fleet of this file, with all its rows. */
async function openMine(role: 'viewer' | 'operator' | 'admin' = 'admin'): Promise<void> {
  await openPage(MINE, { role });
  await expect.poll(() => rows.elements().length).toBe(3);
  await expect.element(page.getByRole('checkbox', { name: 'Select all matching' })).toBeEnabled();
}

test('opens and closes by keyboard and by button, and restores the focus', async () => {
  await openMine();
  const button = page.getByRole('button', { name: 'Commands' });
  await button.click();
  await expect.element(search).toHaveFocus();
  await closePalette();
  await expect.element(button).toHaveFocus();
  await openPalette();
  await press('{Control>}k{/Control}');
  await expect.element(palette).not.toBeInTheDocument();
});

test('finds a sandbox by metadata and by id, and opens it', async () => {
  await openMine();
  const [id = ''] = running;
  await openPalette(`${OWNER} ${id}`);
  await expect.poll(() => textsOf(options)).toHaveLength(2);
  expect(textsOf(options)[0]).toMatch(new RegExp(`^${id}.*owner=${OWNER} · note=<b>bold</b>$`));
  expect(textsOf(options)[1]).toBe(`Filter sandboxes by ${OWNER} ${id}`);
  await userEvent.fill(search, id.slice(0, 12));
  await expect.poll(highlighted).toContain(id);
  await press('{Enter}');
  await expect.poll(() => window.location.pathname).toBe(pageOf(id));
});

test('adds to the filter, changes the theme and opens pages', async () => {
  await openMine();
  await openPalette('paused');
  await press('{Enter}');
  await expect.poll(() => rows.elements().length).toBe(1);
  await expect.element(rows).toHaveTextContent('Paused');
  await openPalette('dark');
  await press('{Enter}');
  await expect.poll(() => document.documentElement.dataset.theme).toBe('dark');
  delete document.documentElement.dataset.theme;
  await openPalette('audit');
  await expect.element(command('Go to the access log')).toBeVisible();
  await userEvent.fill(search, 'operations');
  await press('{Enter}');
  await expect.poll(() => window.location.pathname).toBe('/operations');
  await openPalette('less than 10 min');
  await press('{Enter}');
  await expect.poll(() => window.location.search).toBe('?q=left%3C10m');
});

test('offers the actions of the fleet page', async () => {
  await openMine();
  await openPalette();
  // The first line does something, and is not the page on screen.
  expect(highlighted()).toBe('New sandbox…');
  expect(textsOf(command(/^Go to/))).toEqual([
    'Go to Operations',
    'Go to the access log',
    'Go to connections',
  ]);
  await userEvent.fill(search, 'columns');
  await press('{Enter}');
  await closeDialog('Columns');
  await openPalette('save filter');
  await press('{Enter}');
  await closeDialog('Views');
  await openPalette('new sandbox');
  await press('{Enter}');
  await closeDialog('New sandbox');
  await openPalette('select all 3');
  await press('{Enter}');
  await expect.element(page.getByRole('region', { name: 'Selection' })).toHaveTextContent('3 selected');
  await openPalette('clear filter');
  await press('{Enter}');
  await expect.element(filterBox).toHaveValue('');
  await press('{Escape}');
});

test('puts commands behind the others while they are unavailable', async () => {
  await openMine('viewer');
  await openPalette();
  expect(command('New sandbox…').element().textContent).toContain('Requires the operator role.');
  expect(highlighted()).not.toContain('Requires');
  await closePalette();
});

test('offers recent commands first, but none that acts on sandboxes', async () => {
  await openMine();
  for (const text of ['columns', 'select all 3', 'copy 3', 'clear selection']) {
    await openPalette(text);
    await press('{Enter}');
    await expect.element(palette).not.toBeInTheDocument();
    if (text === 'columns') await closeDialog('Columns');
  }
  await openPalette();
  expect(textsOf(options).slice(0, 2)).toEqual(['Select all 3 matching', 'Columns…']);
  expect(textsOf(command('Columns…'))).toHaveLength(1);
  await closePalette();
});

test('offers the actions on the selection, and copies its IDs', async () => {
  const copied = catchCopies();
  await openMine();
  await openPalette('kill');
  await expect.element(command(/^Kill/)).not.toBeInTheDocument();
  await closePalette();
  await page.getByRole('checkbox', { name: 'Select all matching' }).click();
  await openPalette();
  expect(textsOf(options).slice(0, 7)).toEqual([
    'Run in 2 sandboxes…',
    'Set time left of 2 sandboxes…',
    'Resume 1 sandbox…',
    'Pause 2 sandboxes',
    'Kill 3 sandboxes…',
    'Copy 3 IDs',
    'Clear selectionEsc',
  ]);
  await userEvent.fill(search, 'copy 3');
  await press('{Enter}');
  await expect.poll(() => copied[0]?.split('\n').toSorted()).toEqual([...running, paused].toSorted());

  await openPalette('kill 3');
  await press('{Enter}');
  const dialog = page.getByRole('alertdialog', { name: 'Kill 3 sandboxes' });
  await expect.element(dialog).toBeVisible();
  // The palette does not open over a dialog.
  await press('{Control>}k{/Control}');
  await expect.element(palette).not.toBeInTheDocument();
  await expect.element(dialog.getByRole('button', { name: 'Cancel' })).toHaveFocus();
  await press('{Escape}');
  await expect.element(dialog).not.toBeInTheDocument();

  await openPalette('clear selection');
  await press('{Enter}');
  await expect.element(page.getByRole('region', { name: 'Selection' })).not.toBeInTheDocument();
});

test('offers the actions on the open sandbox, with reasons for unavailable ones', async () => {
  await openMine('operator');
  await openPage(`${pageOf(running[0] ?? '')}/files`, { role: 'operator' });
  await expect.element(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await openPalette('kill');
  const kill = command(/^Kill…/);
  await expect.element(kill).toHaveTextContent('Requires the admin role.');
  await expect.element(kill).toHaveAttribute('aria-disabled', 'true');
  await press('{Enter}');
  await expect.element(palette).toBeVisible();
  await closePalette();
});

test('? lists the keyboard shortcuts, except in an input', async () => {
  await openMine();
  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await filterBox.click();
  await press('?');
  await expect.element(filterBox).toHaveValue('?');
  await expect.element(keys).not.toBeInTheDocument();
  page.getByRole('button', { name: 'Columns' }).element().focus();
  await press('?');
  await expect.element(keys).toHaveTextContent('Select all matching');
  await press('{Escape}');
  await expect.element(keys).not.toBeInTheDocument();
  await openPalette('keyboard');
  await press('{Enter}');
  await expect.element(keys).toBeVisible();
  await press('{Escape}');
});

test('the keyboard reaches the first row from the start of the page', async () => {
  await openMine();
  const active = () => grid.element().getAttribute('aria-activedescendant');
  const first = () => rows.elements()[0]?.id;
  expect(document.activeElement).toBe(document.body);
  await userEvent.tab();
  await expect.element(page.getByRole('button', { name: 'Skip to content' })).toHaveFocus();
  await press('{Enter}');
  await expect.element(grid).toHaveFocus();
  await press('{ArrowDown}');
  await expect.poll(active).toBe(first());
});

test('arrows move into the rows while nothing has the focus', async () => {
  await openMine();
  expect(document.activeElement).toBe(document.body);
  // Nothing that acts on a row works from there.
  await press('{Delete}');
  await press('{ArrowDown}');
  await expect.element(grid).toHaveFocus();
  await expect
    .poll(() => grid.element().getAttribute('aria-activedescendant'))
    .toBe(rows.elements()[0]?.id ?? '');
  await expect.element(page.getByRole('alertdialog')).not.toBeInTheDocument();
  // In the filter they stay with its suggestions.
  await filterBox.click();
  await press('{ArrowDown}');
  await expect.element(filterBox).toHaveFocus();
});

test('is accessible in both themes', async () => {
  await openMine('viewer');
  await openPalette();
  await expectAccessibleInBothThemes('all commands');
  await userEvent.fill(search, OWNER);
  await expect.poll(() => textsOf(options).length).toBe(4);
  await expectAccessibleInBothThemes('sandboxes among them');
  await closePalette();
  await openPage(`${pageOf(running[0] ?? '')}/files`, { role: 'viewer' });
  await expect.element(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await openPalette();
  await expect.element(command(/^Pause/)).toHaveTextContent('Requires the');
  await expectAccessibleInBothThemes('unavailable commands');
  await closePalette();
  await press('?');
  await expect.element(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await expectAccessibleInBothThemes('the keys');
  await press('{Escape}');
});
