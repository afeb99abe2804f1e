import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { localKey } from '@/e2e/support/local';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { lookAway, openPage } from '@/e2e/support/served/page';
import { moru } from '@/e2e/support/served/sandboxes';
import { pageStatus } from '@/lib/page-state';
import { COLUMNS_COOKIE, DEFAULT_COLUMNS, printColumns, WIDTHS_COOKIE } from './column-choice';

const METADATA = {
  room: 'fleet-columns',
  environment: 'development',
  owner: 'ana',
  team: 'agents',
  file: 'safe\u202egnp.exe',
  url: `https://example.com/${'long/'.repeat(200)}`,
  run: '42',
};

let id = '';

beforeAll(async () => {
  id = await moru.create({ metadata: METADATA, timeoutMs: 3_600_000 });
});

beforeEach(async () => {
  for (const cookie of [COLUMNS_COOKIE, WIDTHS_COOKIE]) {
    // biome-ignore lint/suspicious/noDocumentCookie: as a browser that was never here.
    document.cookie = `${cookie}=; path=/; max-age=0`;
  }
  await openPage('/sandboxes?q=room%3Dfleet-columns');
});

const more = page.getByRole('button', { name: /^\+\d+ more: / });
const columnsButton = page.getByRole('button', { name: 'Columns', exact: true });
const popover = page.getByRole('dialog', { name: 'Columns' });

function countOf(): number {
  return Number(more.element().textContent?.slice(1));
}

/** The chips of the row. */
function chips(): Element[] {
  return [...document.querySelectorAll(`[id="row-${localKey(id)}"] button[title^="Filter by"]`)];
}

/** The ids of the columns, from left to right. */
function order(): (string | null)[] {
  return [...document.querySelectorAll('[data-column]')].map((cell) => cell.getAttribute('data-column'));
}

function expectNothingCut() {
  const cell = more.element().closest('[role=gridcell]')?.getBoundingClientRect();
  const number = more.element().getBoundingClientRect();
  expect(number.right).toBeLessThanOrEqual((cell?.right ?? 0) + 1);
  for (const chip of chips()) expect(chip.getBoundingClientRect().right).toBeLessThanOrEqual(number.left);
}

it('says how many chips have no room and which, and opens all of them', async () => {
  await expect.element(more).toBeVisible();
  expect(chips().length + countOf()).toBe(Object.keys(METADATA).length);
  expectNothingCut();
  // All rows have the value that the filter asks for, so it comes last.
  expect(chips()[0]?.textContent).toBe('environment=development');
  await expect.element(more).toHaveAccessibleName(/file=safe\[RLO\]gnp\.exe.* run=42, room=fleet-columns$/);
  await more.click();
  const all = page.getByRole('dialog', { name: 'Metadata' });
  await expect.element(all).toHaveTextContent('run=42');
  await expectAccessibleInBothThemes('the fleet with all metadata of a sandbox');
  await all.getByRole('button', { name: 'team=agents' }).click();
  await expect.element(page.getByRole('button', { name: 'Remove team=agents' })).toBeVisible();
});

it('counts the hidden chips again when the column gets another width, without reading the layout of each row', async () => {
  await expect.element(more).toBeVisible();
  const before = countOf();
  const edge = page.getByRole('separator', { name: 'Width of Metadata' });
  edge.element().focus();
  let reads = 0;
  const rectOf = Element.prototype.getBoundingClientRect;
  Element.prototype.getBoundingClientRect = function () {
    if (this.closest('[role=gridcell]')) reads += 1;
    return rectOf.call(this);
  };
  await userEvent.keyboard('{End}');
  await expect.poll(countOf).toBeLessThan(before);
  await userEvent.keyboard('{Home}');
  await expect.poll(countOf).toBe(Object.keys(METADATA).length - 1);
  Element.prototype.getBoundingClientRect = rectOf;
  expect(reads).toBe(0);
  expectNothingCut();
  await userEvent.keyboard('{Escape}');
  await expect.poll(countOf).toBe(before);
});

it('moves columns in the list of columns, keeps their order, and resets it', async () => {
  await columnsButton.click();
  await popover.getByRole('button', { name: 'Move up: Template' }).click();
  expect(order().slice(0, 3)).toEqual(['state', 'template', 'id']);
  await expect.element(popover.getByRole('button', { name: 'Move up: Template' })).toHaveFocus();
  await userEvent.keyboard('{Enter}');
  expect(order().slice(0, 3)).toEqual(['template', 'state', 'id']);
  await expect.element(popover.getByRole('status')).toHaveTextContent('Template: column 1 of 8');
  await expect
    .element(popover.getByRole('button', { name: 'Move up: Template' }))
    .toHaveAttribute('aria-disabled', 'true');

  // A new column takes its usual place, and can be moved like the others.
  await popover.getByRole('checkbox', { name: /^owner/ }).click();
  expect(order().slice(0, 4)).toEqual(['template', 'state', 'id', 'meta:owner']);
  await popover.getByRole('button', { name: 'Move down: owner' }).click();
  expect(order().slice(0, 5)).toEqual(['template', 'state', 'id', 'metadata', 'meta:owner']);
  expect(new URL(window.location.href).searchParams.get('cols')).toBe(printColumns(order().map(String)));
  expect(decodeURIComponent(document.cookie)).toContain(printColumns(order().map(String)));

  await expectAccessibleInBothThemes('the list of columns');
  await popover.getByRole('button', { name: 'Reset columns' }).click();
  expect(order()).toEqual(DEFAULT_COLUMNS);
  await expect
    .element(popover.getByRole('button', { name: 'Reset columns' }))
    .toHaveAccessibleDescription('These are the default columns and widths.');
});

const grid = page.getByRole('grid', { name: 'Sandboxes' });

/** Presses Tab from the start of the page until the rows have the focus. */
async function tabToRows(): Promise<number> {
  await expect.element(grid).toBeVisible();
  await expect.element(page.getByRole('checkbox', { name: 'Select all matching' })).toBeEnabled();
  (document.activeElement as HTMLElement | null)?.blur();
  let tabs = 0;
  while (document.activeElement !== grid.element() && tabs < 50) {
    await userEvent.keyboard('{Tab}');
    tabs += 1;
  }
  return tabs;
}

it.each(['', 'room=fleet-columns environment=development '])(
  'takes at most five Tabs to the rows with the filter %j, and an arrow to the first of them',
  async (filter) => {
    await openPage(`/sandboxes?q=${encodeURIComponent(filter)}`);
    const tabs = await tabToRows();
    expect(tabs).toBeLessThanOrEqual(5);
    // Without a filter, sandboxes of other tests come and go.
    const first = () => document.querySelector('[role=row][aria-rowindex="2"]')?.id;
    const firstBefore = first();
    await userEvent.keyboard('{ArrowDown}');
    const active = () => grid.element().getAttribute('aria-activedescendant');
    await expect.poll(() => [firstBefore, first()].includes(active() ?? '')).toBe(true);
    // And back to the top.
    for (let back = 0; back < tabs; back += 1) await userEvent.keyboard('{Shift>}{Tab}{/Shift}');
    expect(document.activeElement).toBe(document.body);
  },
);

it('reaches the first row by an arrow alone, and every control of a toolbar by arrows', async () => {
  await expect.element(grid).toBeVisible();
  (document.activeElement as HTMLElement | null)?.blur();
  await userEvent.keyboard('{ArrowDown}');
  await expect.element(grid).toHaveFocus();
  const first = document.querySelector('[role=row][aria-rowindex="2"]')?.id ?? '';
  await expect.element(grid).toHaveAttribute('aria-activedescendant', first);

  page.getByRole('link', { name: 'Sandkeeper' }).element().focus();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}');
  await expect.element(page.getByRole('link', { name: /^Operations/ })).toHaveFocus();
  await userEvent.keyboard('{End}');
  await expect.element(page.getByRole('button', { name: 'Account and theme' })).toHaveFocus();

  // The terms of the filter are no stops of Tab. The input's arrow reaches them.
  await page.getByLabelText('Filter sandboxes').click();
  await userEvent.keyboard('{ArrowLeft}');
  const term = page.getByRole('button', { name: 'Remove room=fleet-columns' });
  await expect.element(term).toHaveFocus();
  await userEvent.keyboard('{ArrowRight}');
  await expect.element(page.getByLabelText('Filter sandboxes')).toHaveFocus();
  await userEvent.keyboard('{ArrowLeft}{Delete}');
  await expect.element(page.getByLabelText('Filter sandboxes')).toHaveFocus();
  expect(term.query()).toBeNull();
});

// The last test, because a page that is older than the server stays so.
it('takes no more Tabs while changes are held back and a strip has a button, and reaches both', async () => {
  await lookAway();
  pageStatus().foundOutdated();
  const reload = page.getByRole('button', { name: 'Reload' });
  await expect.element(reload).toBeVisible();
  await expect.element(page.getByRole('checkbox', { name: 'Select all matching' })).toBeEnabled();
  // After the strip, which moves the rows from under the pointer.
  await page.getByRole('row', { name: id }).hover();
  const other = await moru.create({ metadata: { room: 'fleet-columns' } });
  onTestFinished(async () => void (await moru.kill(other)));
  const update = page.getByRole('button', { name: '1 new' });
  await expect.element(update).toBeVisible();
  expect(await tabToRows()).toBeLessThanOrEqual(5);

  await userEvent.keyboard('{Shift>}{Tab}{/Shift}');
  await expect.element(update).toHaveFocus();
  await userEvent.keyboard('{Enter}');
  await expect.element(page.getByRole('row', { name: other })).toBeVisible();
  page.getByRole('link', { name: 'Sandkeeper' }).element().focus();
  await userEvent.keyboard('{End}');
  await expect.element(reload).toHaveFocus();
  await lookAway();
});
