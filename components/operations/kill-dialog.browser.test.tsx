import { expect, onTestFinished, test, vi } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import {
  chooseRowAction,
  dock,
  grid,
  headCheckbox,
  OwnFleet,
  press,
  row,
  rows,
} from '@/e2e/support/served/fleet';
import { catchCopies, lookAway, renderInPage, toast } from '@/e2e/support/served/page';
import { addFault, moru } from '@/e2e/support/served/sandboxes';
import { rowWith } from '@/lib/fleet/test-fleet';
import { PLAN_LIVES_MS } from '@/lib/operations/schema';
import { KillDialog } from './kill-dialog';

const DEVELOPMENT = { environment: 'development' };

const dialogOf = (id: string) => page.getByRole('alertdialog', { name: `Kill sandbox ${id}` });
const bulk = page.getByRole('alertdialog', { name: /^Kill / });
const phrase = page.getByRole('textbox', { name: /^Type / });
const killOne = page.getByRole('button', { name: 'Kill sandbox' });
const killMany = bulk.getByRole('button', { name: /^Kill \d+ sandbox/ });
const reason = page.getByRole('textbox', { name: 'Reason' });
const gracefully = page.getByRole('checkbox', { name: 'Stop processes first' });
const alert = page.getByRole('alertdialog').getByRole('alert');

const expectUnavailable = (button: Locator) =>
  expect.element(button).toHaveAttribute('aria-disabled', 'true');
const expectAvailable = (button: Locator) =>
  expect.element(button).not.toHaveAttribute('aria-disabled', 'true');

/** Opens the dialog for one sandbox from its row, and waits until the sandbox has been read. */
async function askToKill(id: string): Promise<Locator> {
  await chooseRowAction(id, 'Kill…');
  await expectAvailable(killOne);
  return dialogOf(id);
}

async function openWithOne(metadata = {}): Promise<string> {
  const fleet = new OwnFleet();
  const id = await fleet.create(metadata);
  await fleet.open(1);
  return id;
}

/** Opens the dialog for a sandbox of each metadata, once the sandboxes have been read. */
async function askToKillAll(list: number | readonly Record<string, string>[]): Promise<string[]> {
  const fleet = new OwnFleet();
  const ids = await fleet.createAll(list);
  await fleet.open(ids.length);
  await headCheckbox.click();
  await dock.getByRole('button', { name: /^Kill/ }).click();
  await lookAway();
  await expect.element(bulk).toHaveTextContent(/will be killed/);
  return ids;
}

/** Opens the dialog for sandboxes that the page has outdated knowledge of. */
async function askFor(ids: readonly string[]): Promise<void> {
  const sandboxes = ids.map((id) => rowWith({ id }).sandbox);
  const request = { sandboxes, graceMs: null, exportPath: null, retryOf: null };
  await renderInPage(
    <KillDialog
      request={request}
      filter=""
      onClose={() => {}}
      onPauseInstead={() => {}}
      onStarted={() => {}}
    />,
  );
}

const expectGone = (id: string) => expect.poll(() => moru.stateOf(id)).toBe('not found');

test('focuses Cancel first, keeps the focus inside, and kills on nothing but its button', async () => {
  const id = await openWithOne();
  const dialog = await askToKill(id);
  await expect.element(dialog.getByRole('button', { name: 'Cancel' })).toHaveFocus();
  await press('{Enter}');
  await expect.element(dialog).not.toBeInTheDocument();

  await askToKill(id);
  for (let stop = 0; stop < 6; stop += 1) {
    await userEvent.tab();
    expect(dialog.element().contains(document.activeElement)).toBe(true);
  }
  await press('{Escape}');
  await expect.element(dialog).not.toBeInTheDocument();
  await expect.element(row(id).getByRole('button', { name: `Actions for ${id}` })).toHaveFocus();

  await askToKill(id);
  // A click outside does not close it.
  await userEvent.click(document.body, { position: { x: 20, y: 600 }, force: true });
  await expect.element(dialog).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect.element(dialog).not.toBeInTheDocument();
  await expect.element(row(id)).toHaveTextContent('Running');
  expect(await moru.stateOf(id)).toBe('running');
});

test('opens for the active row with Delete, and pauses instead', async () => {
  const id = await openWithOne();
  grid.element().focus();
  await press('{ArrowDown}{Delete}');
  const dialog = dialogOf(id);
  await expectAvailable(killOne);
  await dialog.getByRole('button', { name: 'Pause instead' }).click();
  await expect.element(dialog).not.toBeInTheDocument();
  await expect.element(toast(`Paused ${id}`)).toBeVisible();
  await expect.element(row(id)).toHaveTextContent('Paused');
  expect(await moru.stateOf(id)).toBe('paused');

  // A paused sandbox is killed without the offer to pause it.
  await askToKill(id);
  await expect.element(dialog).toHaveTextContent('Paused');
  await expect.element(dialog.getByRole('button', { name: 'Pause instead' })).not.toBeInTheDocument();
  await expectAccessibleInBothThemes('the kill of one sandbox');
  await killOne.click();
  await expectGone(id);
  await expect.element(row(id)).not.toBeInTheDocument();
});

test('kills once on repeated clicks', async () => {
  const id = await openWithOne();
  await askToKill(id);
  await killOne.dblClick();
  await expect.element(toast(id)).toHaveTextContent(`Killed ${id}`);
  expect(toast(id).elements()).toHaveLength(1);
});

test('asks for a new confirmation if the sandbox has changed since the reading', async () => {
  const id = await openWithOne();
  await askToKill(id);
  await moru.pause(id);
  await killOne.click();
  await expect.element(alert).toHaveTextContent('it was running and is now paused');
  await expectAvailable(killOne);
  expect(await moru.stateOf(id)).toBe('paused');
  await killOne.click();
  await expect.element(toast(`Killed ${id}`)).toBeVisible();
  await expectGone(id);
});

test('does not show data of the previous sandbox', async () => {
  const fleet = new OwnFleet();
  const ana = await fleet.create({ owner: 'ana' });
  const bjorn = await fleet.create({ owner: 'bjorn' });
  await fleet.open(2);
  const first = await askToKill(ana);
  await first.getByRole('button', { name: 'Cancel' }).click();
  await addFault({ route: `GET /sandboxes/${bjorn}`, latencyMs: 3_000 });
  await chooseRowAction(bjorn, 'Kill…');
  const second = dialogOf(bjorn);
  await expectUnavailable(second.getByRole('button', { name: 'Checking…' }));
  await expect.element(second).toHaveTextContent('owner=bjorn');
  await expect.element(second).not.toHaveTextContent('owner=ana');
  await second.getByRole('button', { name: 'Cancel' }).click();
  expect(await moru.stateOf(ana)).toBe('running');
});

test('reports a failure of the service and keeps the sandbox', async () => {
  const id = await openWithOne();
  await addFault({ route: `DELETE /sandboxes/${id}`, status: 403 });
  await askToKill(id);
  await killOne.click();
  await expect.element(toast(`Could not kill ${id}`)).toHaveTextContent('does not allow');
  await expect.element(row(id)).toHaveTextContent('Running');
});

test('reports sandboxes that were terminated before it opened', async () => {
  const fleet = new OwnFleet();
  const [one = '', ...others] = await fleet.createAll(3);
  for (const id of [one, ...others]) await moru.kill(id);
  await askFor([one]);
  await expect.element(alert).toHaveTextContent('already terminated');
  await expect.element(killOne).not.toBeInTheDocument();
  await expect.element(page.getByRole('button', { name: 'Pause instead' })).not.toBeInTheDocument();
  await expect.element(page.getByRole('button', { name: 'Close' })).toBeVisible();

  await askFor(others);
  await expect.element(alert).toHaveTextContent('There is nothing to kill. 2 skipped: already gone.');
  await expect.element(killMany).not.toBeInTheDocument();
  await expect.element(phrase).not.toBeInTheDocument();
  await expect.element(bulk.getByRole('button', { name: 'Close' })).toBeVisible();
});

test('says that an operation has a limit, and does not offer to check again', async () => {
  await askFor(Array.from({ length: 401 }, (_, at) => `i${at}`));
  await expect.element(alert).toHaveTextContent('One operation can have at most 400 sandboxes, not 401.');
  await expect.element(alert).toHaveTextContent('Nothing was killed.');
  await expect.element(bulk.getByRole('button', { name: 'Check again' })).not.toBeInTheDocument();
  await expect.element(bulk.getByRole('button', { name: 'Close' })).toBeVisible();
});

test('reports that the sandboxes could not be read and retries', async () => {
  const fleet = new OwnFleet();
  const [first = ''] = await fleet.createAll(2);
  await fleet.open(2);
  await headCheckbox.click();
  const mend = await addFault({ route: `GET /sandboxes/${first}`, status: 500 });
  await dock.getByRole('button', { name: /^Kill/ }).click();
  await expect.element(alert).toHaveTextContent('Nothing was killed.');
  await expect.element(killMany).not.toBeInTheDocument();
  await mend();
  await bulk.getByRole('button', { name: 'Check again' }).click();
  await expect.element(killMany).toBeVisible();
  await expect.element(alert).not.toBeInTheDocument();
});

test('starts on Enter only in the confirmation field and with the right text', async () => {
  const ids = await askToKillAll(2);
  for (const wrong of ['', 'kill', 'kill 3', 'KILL 2', 'kill 2 sandboxes']) {
    await phrase.fill(wrong);
    await press('{Enter}');
    await expectUnavailable(killMany);
  }
  await phrase.fill('kill 2');
  await expectAvailable(killMany);
  await reason.click();
  await press('{Enter}');
  gracefully.element().focus();
  await press('{Enter}');
  await expect.element(bulk).toBeVisible();
  await expect.element(toast('Killing')).not.toBeInTheDocument();
  for (const id of ids) expect(await moru.stateOf(id)).toBe('running');

  await phrase.click();
  await press('{Enter}');
  await expect.element(bulk).not.toBeInTheDocument();
  for (const id of ids) await expectGone(id);
});

test('skips protected sandboxes, and requires the id of a single one', async () => {
  const ids = await askToKillAll([DEVELOPMENT, DEVELOPMENT, { ...DEVELOPMENT, protected: 'True' }]);
  const kept = ids[2] ?? '';
  expect(page.getByRole('img', { name: 'Protected', includeHidden: true }).elements()).toHaveLength(1);
  await expect.element(bulk).toHaveAccessibleName('Kill 2 sandboxes');
  await expect.element(bulk).toHaveTextContent('1 will be skipped');
  await expect.element(bulk.getByText(kept)).not.toBeVisible();
  await bulk.getByText('1 protected by protected=true').click();
  await expect.element(bulk.getByText(kept)).toBeVisible();
  await expectAccessibleInBothThemes('the plan of a kill with the skipped sandboxes');
  await phrase.fill('kill 2');
  await killMany.click();
  await expect.element(bulk).not.toBeInTheDocument();
  // The next Enter presses no red button.
  await expect.element(dock).not.toBeInTheDocument();
  await expect.element(grid).toHaveFocus();
  await expect.poll(() => rows.elements().length).toBe(1);
  expect(page.getByRole('checkbox', { checked: true }).elements()).toEqual([]);

  await chooseRowAction(kept, 'Kill…');
  await expect.element(dialogOf(kept)).toHaveTextContent('This sandbox is protected.');
  await phrase.fill('kill 1');
  await press('{Enter}');
  await expectUnavailable(killOne);
  await phrase.fill(kept);
  await killOne.click();
  await expect.element(toast(`Killed ${kept}`)).toBeVisible();
  await expectGone(kept);
});

test('asks for the confirmation again when an option changes the plan', async () => {
  const [first = '', ...rest] = await askToKillAll(3);
  await reason.fill('for the record');
  await phrase.fill('kill 3');
  await expectAvailable(killMany);
  await moru.kill(first);

  await gracefully.click();
  await expect.element(alert).toHaveTextContent('2 will be killed instead of 3');
  await expect.element(bulk).toHaveAccessibleName('Kill 2 sandboxes');
  await expect.element(bulk).toHaveTextContent('1 already gone');
  await expect.element(phrase).toHaveValue('kill 3');
  await expect.element(reason).toHaveValue('for the record');
  await expectUnavailable(killMany);
  const seconds = page.getByRole('textbox', { name: 'Seconds to wait for processes to end' });
  await phrase.fill('kill 2');
  for (const wrong of ['0', '601', '1.5', 'ten', '']) {
    await seconds.fill(wrong);
    await expect.element(bulk.getByText('Whole seconds from 1 to 600.')).toBeVisible();
    await expect.poll(() => killMany.query()?.getAttribute('aria-disabled')).not.toBe('false');
  }
  await expectAccessibleInBothThemes('the plan of a kill with an error');
  await seconds.fill('1');
  await expectAvailable(killMany);
  await bulk.getByRole('button', { name: 'Cancel' }).click();
  for (const id of rest) expect(await moru.stateOf(id)).toBe('running');
});

test('offers to pause the running sandboxes instead', async () => {
  const fleet = new OwnFleet();
  const ids = await fleet.createAll(3);
  await moru.pause(ids[0] ?? '');
  await fleet.open(3);
  await expect.element(row(ids[0] ?? '')).toHaveTextContent('Paused');
  await headCheckbox.click();
  await dock.getByRole('button', { name: /^Kill/ }).click();
  await lookAway();
  await bulk.getByRole('button', { name: 'Pause 2 instead' }).click();
  await expect.element(bulk).not.toBeInTheDocument();
  for (const id of ids) await expect.element(row(id)).toHaveTextContent('Paused');
});

test('reads an old plan again before it can start', async () => {
  // The timers of the dialog alone are moved: they are set while it opens.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const [first = ''] = await askToKillAll(2);
  await phrase.fill('kill 2');
  await moru.pause(first);
  await vi.advanceTimersByTimeAsync(PLAN_LIVES_MS);
  await expect.element(alert).toHaveTextContent('five minutes ago');
  await expect.element(killMany).not.toBeInTheDocument();
  await phrase.click();
  await press('{Enter}');
  await bulk.getByRole('button', { name: 'Check again' }).click();
  await expectAvailable(killMany);
  await expect.element(bulk).toHaveTextContent('1 running · 1 paused');
  await bulk.getByRole('button', { name: 'Cancel' }).click();
});

test('copies the kill as code', async () => {
  const copied = catchCopies();
  const ids = await askToKillAll(2);
  const copyAs = async (name: string) => {
    await bulk.getByRole('button', { name: 'Copy as code' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await copyAs('Command line');
  await expect.element(toast('Copied as a command line')).toBeVisible();
  expect(copied[0]?.trim().split(' ').sort()).toEqual(['kill', 'moru', 'sandbox', ...ids].sort());
  await expect.element(bulk).toBeVisible();

  await gracefully.click();
  await bulk.getByRole('button', { name: 'Copy as code' }).click();
  await expectUnavailable(page.getByRole('menuitem', { name: 'Command line' }));
  await page.getByRole('menuitem', { name: 'Python' }).click();
  await expect.poll(() => copied[1]).toContain('SIGTERM');
  await press('{Escape}');
});
