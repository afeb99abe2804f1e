import { expect, test } from './support/fixtures';
import {
  askToKill,
  checkboxOf,
  dock,
  expectNoRow,
  expectRow,
  filter,
  headCheckbox,
  lookAway,
  openFleet,
  rows,
  toast,
} from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

const DEVELOPMENT = { environment: 'development' };
const PRODUCTION = { environment: 'production' };
/** Verifying a kill can take the service a while. */
const ENDED_WITHIN_MS = 30_000;

test('kills a sandbox found by its metadata', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { ...DEVELOPMENT, owner: 'ana' } });
  const other = await moru.create({ metadata: PRODUCTION });
  await openFleet(page);
  await expectRow(page, other);
  await filter(page, 'environment=development');
  await expectRow(page, id, 'Running');
  await expectNoRow(page, other);

  const dialog = await askToKill(page, id);
  await expect(dialog).toContainText('Running');
  await expect(dialog).toContainText('base');
  await expect(dialog).toContainText('environment=development');
  await expect(dialog).toContainText('owner=ana');
  await expect(dialog.getByText(/^\d+s$/)).toBeVisible();
  await expect(dialog).toContainText(
    'All processes end, the file system is deleted and the ID becomes invalid. This cannot be undone.',
  );
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();

  await expect(toast(page, `Killed ${id}`)).toBeVisible();
  await expect(dialog).toBeHidden();
  await lookAway(page);
  await expectNoRow(page, id);
  expect(await moru.find(id)).toBeNull();
  expect(await moru.stateOf(other)).toBe('running');
});

test('filters, selects all matches and kills exactly the sandboxes in the plan', async ({ page, moru }) => {
  const doomed = await moru.createAll([
    { ...DEVELOPMENT, team: 'agents', run: '1' },
    { ...DEVELOPMENT, team: 'agents', run: '2' },
    { ...DEVELOPMENT, team: 'evals', run: '3' },
  ]);
  const [paused = ''] = doomed;
  await moru.pause(paused);
  const kept = await moru.createAll([PRODUCTION, PRODUCTION]);
  await openFleet(page);
  // Selected sandboxes that the filter hides are left out.
  await checkboxOf(page, kept[0] ?? '').click();
  await filter(page, 'environment=development');
  await expect(rows(page)).toHaveCount(3);
  await headCheckbox(page).check();
  await dock(page).getByRole('button', { name: /^Kill/ }).click();
  await lookAway(page);
  const dialog = page.getByRole('alertdialog', { name: /^Kill / });
  const kill = dialog.getByRole('button', { name: 'Kill 3 sandboxes' });
  const planned = dialog.getByRole('region', { name: 'Sandboxes to kill' }).getByRole('listitem');

  await expect(dialog).toContainText('3 will be killed');
  await expect(dialog).toHaveAccessibleName('Kill 3 sandboxes');
  await expect(dialog).toContainText('2 running · 1 paused');
  await expect(dialog).toContainText('All are base environment=development');
  await expect(dialog).toContainText(/By team\s*agents\s*2\s*evals\s*1/);
  await expect(dialog).toContainText('This cannot be undone.');
  await expect(dialog).not.toContainText('skipped');
  await expect(planned).toHaveCount(3);
  for (const id of doomed) await expect(planned.filter({ hasText: id })).toHaveCount(1);
  await expect(dialog.getByRole('button', { name: 'Pause 2 instead' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();

  await expect(kill).toBeDisabled();
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('nightly leftovers');
  await dialog.getByRole('textbox', { name: /^Type / }).fill('kill 3');
  await kill.click();
  await expect(dialog).toBeHidden();
  const line = page.getByRole('region', { name: 'Running operations' }).getByRole('listitem');
  await expect(line.filter({ hasText: 'Kill 3 sandboxes' })).toContainText('3 killed, verified', {
    timeout: ENDED_WITHIN_MS,
  });
  for (const id of doomed) expect(await moru.find(id)).toBeNull();
  for (const id of kept) expect(await moru.stateOf(id)).toBe('running');

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click();
  const log = page.getByRole('table', { name: 'Operations' });
  await expect(log).toContainText('nightly leftovers');
  await expect(log).toContainText('environment=development');
});
