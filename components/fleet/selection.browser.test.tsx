import { expect, onTestFinished, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { localKey } from '@/e2e/support/local';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import {
  checkboxOf,
  dock,
  filterBox,
  grid,
  headCheckbox,
  idsInOrder,
  OwnFleet,
  press,
  row,
  rows,
  selectedPlaces,
} from '@/e2e/support/served/fleet';
import { catchCopies, lookAway, toast } from '@/e2e/support/served/page';
import { moru } from '@/e2e/support/served/sandboxes';

const act = (name: string | RegExp) => dock.getByRole('button', { name });

/** Opens a fleet with a sandbox for each metadata. Returns the ids in the order on screen. */
async function openWith(list: number | readonly Record<string, string>[]) {
  const fleet = new OwnFleet();
  const ids = (await fleet.createAll(list)).sort();
  await fleet.open(ids.length);
  return { fleet, ids };
}

/** Expects exactly the rows at these positions to be selected. */
const expectSelected = (places: readonly number[]) => expect.poll(selectedPlaces).toEqual(places);

test('a click anywhere in the checkbox cell toggles a row', async () => {
  const { ids } = await openWith(2);
  const [first = '', second = ''] = ids;
  await expect.element(dock).not.toBeInTheDocument();
  await checkboxOf(first).click();
  await expect.element(checkboxOf(first)).toBeChecked();
  await expectSelected([0]);
  await expect.element(dock).toHaveTextContent('1 selected');
  await expect.element(dock).toHaveTextContent('1 running');

  await row(second).click({ position: { x: 3, y: 2 } });
  await expectSelected([0, 1]);
  await row(second).click({ position: { x: 42, y: 31 } });
  await expectSelected([0]);
  await checkboxOf(first).click();
  await expect.element(dock).not.toBeInTheDocument();
});

test('Shift and a click select a range in the order on screen', async () => {
  const { ids } = await openWith(6);
  const click = (place: number, modifiers: 'Shift'[] = []) =>
    checkboxOf(ids[place] ?? '').click({ modifiers });
  await click(1);
  await click(4, ['Shift']);
  await expectSelected([1, 2, 3, 4]);
  await click(0, ['Shift']);
  await expectSelected([0, 1]);
  await click(4);
  await click(2, ['Shift']);
  await expectSelected([0, 1, 2, 3, 4]);
  await click(3);
  await click(1, ['Shift']);
  await expectSelected([0, 4]);
  expect(window.getSelection()?.toString()).toBe('');

  await page.getByRole('columnheader', { name: 'Sandbox', exact: true }).getByRole('button').click();
  await lookAway();
  await expect.poll(idsInOrder).toEqual(ids.toReversed());
  await expectSelected([1, 5]);
  await click(5);
  await click(2, ['Shift']);
  await expectSelected([0, 1, 2, 3, 5]);
});

test('the checkbox in the header selects all matching rows and shows how many are selected', async () => {
  const agents = { team: 'agents' };
  const { fleet } = await openWith([agents, agents, agents, { team: 'evals' }]);
  await fleet.filter('team=evals');
  await headCheckbox.click();
  await fleet.filter('team=agents');
  await expect.poll(() => rows.elements().length).toBe(3);
  await expect.element(headCheckbox).not.toBeChecked();
  await rows.first().getByRole('checkbox').click();
  await expect.element(headCheckbox).toBePartiallyChecked();
  await expect.element(dock).toHaveTextContent('1 selected');

  await headCheckbox.click();
  await expect.element(headCheckbox).toBeChecked();
  await expect.element(headCheckbox).not.toBePartiallyChecked();
  await expectSelected([0, 1, 2]);
  await expect.element(dock).toHaveTextContent('3 selected');
  await expect.element(dock).toHaveTextContent('all matching');
  await expect.element(act(/^Select all/)).not.toBeInTheDocument();
  await rows.nth(1).getByRole('checkbox').click();
  await expect.element(headCheckbox).toBePartiallyChecked();
  await expect.element(dock).toHaveTextContent('2 selected');
  await act('Select all 3 matching').click();
  await expectSelected([0, 1, 2]);

  // Rows selected under another filter stay selected.
  await headCheckbox.click();
  await expectSelected([]);
  await expect.element(dock).toHaveTextContent('0 selected');
  await expect.element(dock).toHaveTextContent('1 hidden by the filter, not included');
  await expect.element(act(/^Kill/)).toHaveAttribute('aria-disabled', 'true');
  await expect.element(act(/^Kill/)).toHaveAccessibleDescription('No selected sandbox matches the filter.');
});

test('excludes rows hidden by the filter, says so, and restores them without the filter', async () => {
  const [ana, li] = [{ owner: 'ana' }, { owner: 'li' }];
  const { fleet, ids } = await openWith([ana, ana, li, li]);
  await headCheckbox.click();
  await expect.element(dock).toHaveTextContent('4 selected');
  await fleet.filter('owner=ana');
  await expect.element(dock).toHaveTextContent('2 selected');
  await expect.element(dock).toHaveTextContent('2 more hidden by the filter, not included');
  const shown = idsInOrder();
  await act('Resume').element().focus();
  await expectAccessibleInBothThemes('rows hidden by the filter, and the reason why not to resume');
  await act('Pause 2').click();
  // An operation takes its sandboxes out of the selection.
  await expect.element(dock).toHaveTextContent('0 selected');
  for (const id of shown) await expect.poll(() => moru.stateOf(id)).toBe('paused');

  await fleet.filter('');
  await expect.poll(() => rows.elements().length).toBe(4);
  await expectSelected(ids.flatMap((id, at) => (shown.includes(id) ? [] : [at])));
  await expect.element(dock).toHaveTextContent('2 selected');
  await expect.element(dock).not.toHaveTextContent('hidden');
  for (const id of ids) expect(await moru.stateOf(id)).toBe(shown.includes(id) ? 'paused' : 'running');
});

test('removes gone rows from the selection, does not add new ones, and keeps changed ones', async () => {
  const { fleet, ids } = await openWith(3);
  const [first = '', second = '', third = ''] = ids;
  await headCheckbox.click();
  await lookAway();
  await moru.kill(second);
  await expect.element(row(second)).not.toBeInTheDocument();
  await expect.element(dock).toHaveTextContent('2 selected');

  const newcomer = await fleet.create();
  await expect.element(checkboxOf(newcomer)).not.toBeChecked();
  await expect.element(dock).toHaveTextContent('2 selected');
  await expect.element(dock).toHaveTextContent('all matching except 1');

  await moru.pause(first);
  await expect.element(row(first)).toHaveTextContent('Paused');
  await expect.element(dock).toHaveTextContent('1 running · 1 paused');
  for (const title of ['State', 'Age']) {
    await page.getByRole('columnheader', { name: title }).getByRole('button').click();
    for (const id of [first, third]) await expect.element(checkboxOf(id)).toBeChecked();
    await expect.element(checkboxOf(newcomer)).not.toBeChecked();
  }
});

test('does not count a gone row that is held under the pointer', async () => {
  const { ids } = await openWith(4);
  const [first = '', second = '', third = ''] = ids;
  await checkboxOf(first).click();
  await checkboxOf(second).click();
  await moru.kill(second);
  await expect.element(row(second)).toHaveTextContent('Terminated');
  await expect.element(dock).toHaveTextContent('1 selected');
  await expect.element(checkboxOf(second)).toBeDisabled();
  await expect.element(checkboxOf(second)).not.toBeChecked();
  await checkboxOf(first).click();
  await checkboxOf(first).click();
  await checkboxOf(third).click({ modifiers: ['Shift'] });
  await expect.element(dock).toHaveTextContent('2 selected');
  await expectSelected([0, 2]);
});

test('selects by keyboard', async () => {
  const { ids } = await openWith(5);
  grid.element().focus();
  await press('{ArrowDown}{ArrowDown} ');
  await expectSelected([1]);
  const announced = () =>
    [...document.querySelectorAll('[aria-live=polite]')].filter((node) =>
      node.textContent?.includes('1 selected'),
    );
  await expect.poll(announced).toHaveLength(1);
  await press('{Shift>}{ArrowDown}{ArrowDown}{ArrowDown}{/Shift}');
  await expectSelected([1, 2, 3, 4]);
  await press('{Shift>}{ArrowUp}{/Shift}');
  await expectSelected([1, 2, 3]);
  await expect.element(grid).toHaveAttribute('aria-activedescendant', `row-${localKey(ids[3] ?? '')}`);
  // A move without Shift selects nothing, and sets the start of the next range.
  await press('{Home}');
  await expectSelected([1, 2, 3]);
  await press('  {End}{Shift>}{ArrowUp}{/Shift}');
  await expectSelected([1, 2, 3, 4]);
  await press('{Home}{Shift>} {/Shift}');
  await press('{Control>}a{/Control}');
  await expectSelected([0, 1, 2, 3, 4]);
  await press(' ');
  await expectSelected([1, 2, 3, 4]);

  await userEvent.tab();
  await expect.element(act('Select all 5 matching')).toHaveFocus();
  for (let stop = 0; stop < 4; stop += 1) await userEvent.tab();
  await expect.element(act('Pause 4')).toHaveFocus();
  await press('{Enter}');
  for (const id of ids.slice(1)) await expect.poll(() => moru.stateOf(id)).toBe('paused');
  await press('{Escape}');
  await expectSelected([]);
  await expect.element(dock).not.toBeInTheDocument();
  await expect.element(grid).toHaveFocus();
  expect(await moru.stateOf(ids[0] ?? '')).toBe('running');
});

test('Escape closes a dialog or leaves an input before it clears the selection', async () => {
  const { ids } = await openWith(1);
  const [id = ''] = ids;
  grid.element().focus();
  await press('{ArrowDown} ');
  await expect.element(checkboxOf(id)).toBeChecked();
  await press('{Delete}');
  const dialog = page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
  await expect.element(dialog).toBeVisible();
  await press('{Escape}');
  await expect.element(dialog).not.toBeInTheDocument();
  filterBox.element().focus();
  await press('{Escape}{Escape}');
  await expect.element(checkboxOf(id)).toBeChecked();
  grid.element().focus();
  await press('{Escape}');
  await expect.element(checkboxOf(id)).not.toBeChecked();
});

test('the button in the dock clears the selection and moves the focus to the rows', async () => {
  await openWith(2);
  await headCheckbox.click();
  await act('Clear selection').click();
  await expectSelected([]);
  await expect.element(dock).not.toBeInTheDocument();
  await expect.element(grid).toHaveFocus();
});

test('a viewer can select and copy, and sees why other actions are unavailable', async () => {
  const copied = catchCopies();
  const fleet = new OwnFleet();
  const ids = (await fleet.createAll(3)).sort();
  await fleet.open(3, { role: 'viewer' });
  await expect
    .element(page.getByRole('button', { name: 'New sandbox' }))
    .toHaveAttribute('aria-disabled', 'true');
  await headCheckbox.click();
  for (const [name, role] of [
    ['Set time left', 'operator'],
    ['Resume', 'operator'],
    ['Pause', 'operator'],
    ['Kill', 'admin'],
  ] as const) {
    await expect.element(act(name)).toHaveAttribute('aria-disabled', 'true');
    await expect.element(act(name)).toHaveAccessibleDescription(`Requires the ${role} role.`);
  }
  await expect.element(page.getByRole('tooltip')).not.toBeInTheDocument();
  act('Pause').element().focus();
  await userEvent.tab();
  await expect.element(act('Kill')).toHaveFocus();
  await expect.element(page.getByRole('tooltip')).toHaveTextContent('Requires the admin role.');
  await press('{Enter}');
  await expect.element(page.getByRole('alertdialog')).not.toBeInTheDocument();
  await act('Copy 3 IDs').click();
  await expect.element(act('Copied')).toBeVisible();
  expect(copied).toEqual([ids.join('\n')]);
});

test('is accessible with a protected and an active row, in dialogs and in a narrow window', async () => {
  const { ids } = await openWith([{ protected: 'true' }, {}, {}]);
  const [first = '', second = ''] = ids;
  await moru.pause(first);
  await expect.element(row(first)).toHaveTextContent('Paused');
  for (const id of [first, second]) await checkboxOf(id).click();
  await expect.element(dock).toHaveTextContent('2 selected');
  await expectAccessibleInBothThemes('some selected, one of them protected and one active');
  for (const [action, dialog] of [
    ['Resume', /^Resume /],
    ['Set time left', /^Set time left of /],
  ] as const) {
    await act(new RegExp(`^${action}`)).click();
    await expect.element(page.getByRole('dialog', { name: dialog })).toBeVisible();
    await expectAccessibleInBothThemes(action);
    await press('{Escape}');
    await expect.element(page.getByRole('dialog')).not.toBeInTheDocument();
  }
  await page.viewport(700, 600);
  onTestFinished(() => page.viewport(1280, 720));
  await expectAccessibleInBothThemes('a narrow window');
});

test('the dock does not hide the last rows, and toasts do not hide the dock', async () => {
  const fleet = new OwnFleet();
  const count = 40;
  const lastId = (await fleet.createAll(count)).sort().at(-1) ?? '';
  await fleet.open(count);
  await headCheckbox.click();
  grid.element().focus();
  const last = () => row(lastId).query()?.getBoundingClientRect().bottom ?? Number.POSITIVE_INFINITY;
  const top = () => dock.element().getBoundingClientRect().top;
  const expectLastInView = () => expect.poll(() => last() <= top()).toBe(true);
  await press('{End}');
  await expectLastInView();
  await press('{ArrowUp}');
  await expectLastInView();

  await page.viewport(640, 700);
  onTestFinished(() => page.viewport(1280, 720));
  await press('{End}');
  await expectLastInView();
  const { writeText } = navigator.clipboard;
  navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
  onTestFinished(() => {
    navigator.clipboard.writeText = writeText;
  });
  await act(`Copy ${count} IDs`).click();
  const news = toast('does not allow copying');
  await expect.element(news).toBeVisible();
  await expect.poll(() => news.element().getBoundingClientRect().bottom <= top()).toBe(true);
});

test('selects all rows, on screen or not', async () => {
  const count = 300;
  const copied = catchCopies();
  const fleet = new OwnFleet();
  const ids = await fleet.createAll(
    Array.from({ length: count }, (_, at) => ({ half: at % 2 === 0 ? 'even' : 'odd' })),
  );
  await fleet.open(count);
  await headCheckbox.click();
  await expect.element(dock).toHaveTextContent(`${count} selected`);
  expect(rows.elements().length).toBeLessThan(100);
  await act(`Copy ${count} IDs`).click();
  await expect.poll(() => copied).toEqual([ids.toSorted().join('\n')]);

  grid.element().focus();
  await press('{End} ');
  await expect.element(dock).toHaveTextContent(`${count - 1} selected`);
  await expect.element(dock).toHaveTextContent('all matching except 1');
  await fleet.filter('half=even');
  await expect.element(dock).toHaveTextContent(/(149|150) more hidden by the filter, not included/);
  await act('Clear selection').click();

  // A range includes rows that were never drawn.
  await fleet.filter('');
  await expect.element(grid).toHaveAttribute('aria-rowcount', String(count + 1));
  grid.element().focus();
  await press('{Home} {Shift>}{End}{/Shift}');
  await expect.element(dock).toHaveTextContent(`${count} selected`);
  await expect.element(dock).toHaveTextContent('all matching');
});
