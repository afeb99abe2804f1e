import { expect, type Page, test } from './support/fixtures';
import { ask, cookieOf } from './support/http';
import { FLEET_ROUTE, pageOf } from './support/local';
import { acceptResume, killDialog, openFleet, row, toast } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page));

/** Opens the page of one sandbox and waits until it is live. */
async function openSandbox(page: Page, id: string): Promise<void> {
  const snapshot = page.waitForResponse(`**${FLEET_ROUTE}`);
  await page.goto(pageOf(id));
  await snapshot;
  await expect(page.getByRole('heading', { name: id, level: 1 })).toBeVisible();
}

const act = (page: Page, name: string) => page.getByRole('main').getByRole('button', { name, exact: true });

test('viewing a sandbox does not wake it or move its deadline', async ({ page, moru }) => {
  const running = await moru.create();
  const paused = await moru.create();
  await moru.pause(paused);
  const before = await moru.find(running);
  await openFleet(page);
  await openSandbox(page, running);
  await openSandbox(page, paused);
  await expect(page.getByRole('main')).toContainText('Paused');
  await page.reload();
  expect(await moru.stateOf(paused)).toBe('paused');
  expect((await moru.find(running))?.endAt).toEqual(before?.endAt);
});

test('shows every fact, also in the server-rendered page, pauses, resumes and sets the time left', async ({
  page,
  moru,
  sandkeeper,
  sessions,
}) => {
  const first = await moru.create({
    template: 'python',
    metadata: { owner: 'ana', environment: 'development' },
  });
  const served = await ask(sandkeeper, pageOf(first), {
    headers: cookieOf(sandkeeper, sessions.viewer),
  });
  expect(served.text).toContain('development');

  await openSandbox(page, first);
  const main = page.getByRole('main');
  for (const fact of [
    'Running',
    'python',
    '2 vCPU',
    '1 GB',
    '10 GB',
    'owner',
    'ana',
    'environment',
    'development',
    '0.6.4',
  ])
    await expect(main).toContainText(fact);
  await expect(main.locator('time').first()).toHaveAttribute('title', / UTC$/);
  await expect(page).toHaveTitle(`${first} · Sandkeeper`);

  const id = await moru.create();
  await openSandbox(page, id);
  await act(page, 'Pause').click();
  await expect(act(page, 'Resume…')).toBeVisible();
  expect(await moru.stateOf(id)).toBe('paused');
  await expect(act(page, 'Set time left…')).toBeDisabled();
  await expect(act(page, 'Set time left…')).toHaveAccessibleDescription(/no deadline/);

  await act(page, 'Resume…').click();
  await acceptResume(page);
  await expect(act(page, 'Pause')).toBeEnabled();
  expect(await moru.stateOf(id)).toBe('running');

  await act(page, 'Set time left…').click();
  const dialog = page.getByRole('dialog', { name: `Set time left of ${id}` });
  await dialog.getByRole('button', { name: '30 min' }).click();
  await dialog.getByRole('button', { name: 'Set time left' }).click();
  await expect(page.getByRole('main')).toContainText(/29m|30m/);
  expect(((await moru.find(id))?.endAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(29 * 60_000);
});

test('a kill leads to the page that says when and by whom', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openSandbox(page, id);
  await act(page, 'Kill…').click();
  const dialog = killDialog(page, id);
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await dialog.getByRole('button', { name: 'Kill sandbox' }).click();
  const main = page.getByRole('main');
  await expect(main).toContainText('Terminated at');
  await expect(main).toContainText('killed here by admin');
  await expect(main).toContainText('ana');
  expect(await moru.find(id)).toBeNull();

  await page.reload();
  await expect(main).toContainText('Terminated at');

  const second = await moru.create();
  await openSandbox(page, second);
  await expect(act(page, 'Pause')).toBeEnabled();
  await moru.kill(second);
  await expect(page.getByRole('main')).toContainText('Terminated at');
  await expect(page.getByRole('main')).toContainText('It was killed.');
  await expect(page.getByRole('main').getByRole('button', { name: 'Kill…' })).toHaveCount(0);
});

test('an unknown id shows an error and a link back', async ({ page, sandkeeper }) => {
  await page.goto(pageOf('i00000000000000000000'));
  await expect(page.getByRole('heading', { name: 'Sandbox not found' })).toBeVisible();
  await page.getByRole('link', { name: 'All sandboxes' }).click();
  await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes`);
});

test('a failed reading shows an error with the last known data', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page);
  await expect(row(page, id)).toBeVisible();
  await moru.addFault({ route: 'GET /sandboxes/*', status: 503 });
  await page.goto(pageOf(id));
  const main = page.getByRole('main');
  await expect(main).toContainText('could not be loaded');
  await expect(main).toContainText('ana');
  await moru.clearFaults();
  await main.getByRole('link', { name: 'Try again' }).click();
  await expect(act(page, 'Pause')).toBeVisible();
});

test('a row opens its page, and back restores the fleet', async ({ page, moru }) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  await openFleet(page, '?q=owner%3Dana');
  await row(page, id).getByRole('link', { name: id }).click();
  await expect(page.getByRole('heading', { name: id, level: 1 })).toBeVisible();
  await act(page, 'Pause').click();
  await expect(toast(page, `Paused ${id}`)).toBeVisible();
  await page.goBack();
  await expect(row(page, id)).toContainText('Paused');
  await expect(page.getByRole('button', { name: 'Remove owner=ana' })).toBeVisible();
});
