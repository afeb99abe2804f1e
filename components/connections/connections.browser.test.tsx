import { beforeEach, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { catchCopies, openPage, renderInPage, toast } from '@/e2e/support/served/page';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ConnectionPage } from './connection-page';
import { ConnectionsPage } from './connections-page';
import { RemoveDialog } from './remove-dialog';

const dialog = page.getByRole('alertdialog');
const field = (name: string) => dialog.getByLabelText(name, { exact: true });
const button = (name: string | RegExp) => dialog.getByRole('button', { name, exact: true });

const HOSTILE = '\u202Egnp.exe<b>';
const FACTS: ConnectionFacts = {
  name: 'prod',
  title: HOSTILE,
  label: 'P',
  kind: 'e2b',
  apiUrl: `https://api.${'x'.repeat(60)}.example.com`,
  host: `api.${'x'.repeat(60)}.example.com`,
  domain: 'example.com',
  sandboxUrl: null,
  teamId: 'team',
  source: 'settings',
  declaredIn: null,
  hasKey: true,
  keyTail: 'wxyz',
  version: 1,
  changes: [],
  isDisabled: false,
  createdBy: 'ana',
  createdAtMs: Date.UTC(2026, 4, 1),
  state: 'unauthorised',
  lastProblem: { message: 'The sandbox service refused the API key.', atMs: Date.UTC(2026, 4, 2) },
  sandboxes: null,
  lastReadAtMs: null,
  aheadMs: 0,
};

beforeEach(() => page.viewport(1280, 720));

test('the list shows where a declared connection is configured, and no way to change it', async () => {
  await openPage('/settings/connections');
  const row = page.getByRole('table', { name: 'Connections' }).getByRole('row', { name: /Local engine/ });
  await expect.element(row).toHaveTextContent(/Environment.*SANDKEEPER_ENGINE_KEY/);
  await expect.element(row).toHaveTextContent('Connected');
  await row.getByRole('link').click();
  await expect.element(page.getByRole('heading', { level: 1 })).toHaveTextContent('Local engine');
  await expect.element(page.getByText('Change it there, then restart Sandkeeper.')).toBeVisible();
  for (const name of ['Edit…', 'Replace key…', 'Disable', 'Remove…'])
    await expect.element(page.getByRole('button', { name })).not.toBeInTheDocument();
});

test('operators read the compatibility, check it again and copy it', async () => {
  const copied = catchCopies();
  await openPage('/settings/connections/local', { role: 'operator' });
  const table = page.getByRole('region', { name: 'Compatibility' });
  await expect.element(table.getByRole('row', { name: /^Pause/ })).toHaveTextContent('Offered');
  await table.getByRole('button', { name: 'Check again' }).click();
  await expect.element(toast('Checked what the service offers')).toBeVisible();
  await expect.element(table.getByRole('row', { name: /^List of templates/ })).toHaveTextContent(
    // Another test may have listed them before, which weighs more.
    /Offered(Probed|Seen in use)/,
  );
  await table.getByRole('button', { name: 'Copy as text' }).click();
  await table.getByRole('button', { name: 'Copy as JSON' }).click();
  await expect.poll(() => copied.length).toBe(2);
  expect(copied[0]).toMatch(/^Pause +yes/m);
  expect(JSON.parse(copied[1] ?? '').capabilities.pause.support).toBe('yes');
});

test('the form says what is wrong in each field, and tests before it adds', async () => {
  await openPage('/settings/connections');
  await page.getByRole('button', { name: 'Add connection…' }).click();
  await expect
    .element(button('Add connection'))
    .toHaveAccessibleDescription(/Use 1 to 32 lower-case letters/);
  await expect.element(dialog.getByRole('alert')).not.toBeInTheDocument();
  await field('Name').fill('Prod');
  await expect.element(field('Name')).toHaveAccessibleDescription(/Use 1 to 32 lower-case letters/);
  await field('Name').fill('prod');
  await field('API address').fill('http://me:secret@127.0.0.1');
  await expect.element(field('API address')).toHaveAccessibleDescription(/without a user name/);
  await field('API address').fill('http://127.0.0.1:1');
  await expect.element(button('Test connection')).toHaveAccessibleDescription('Enter the API key.');
  await field('API key').fill('moru_0123456789');
  expect(field('API key').element()).toHaveAttribute('type', 'password');
  await expect.element(button('Add connection')).toHaveAccessibleDescription('Test the connection first.');
  await button('Test connection').click();
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('Nothing answers at 127.0.0.1:1.');
  await expect.element(dialog.getByRole('alert')).toBeInViewport();
  await expect.element(button('Add anyway')).toBeVisible();
  await expectAccessibleInBothThemes('the form with a failed test');
  // What was tested is not what would be added.
  await field('API key').fill('moru_01234567890');
  await expect.element(button('Add connection')).toHaveAccessibleDescription('Test the connection first.');
  await expect.element(dialog.getByRole('alert')).not.toBeInTheDocument();
  await button('Cancel').click();
  await expect.element(dialog).not.toBeInTheDocument();
  await page.getByRole('button', { name: 'Add connection…' }).click();
  await expect.element(field('API key')).toHaveValue('');
});

test('a name that is configured elsewhere is refused', async () => {
  await openPage('/settings/connections');
  await page.getByRole('button', { name: 'Add connection…' }).click();
  await field('Name').fill('local');
  await field('API address').fill('http://127.0.0.1:1');
  await field('API key').fill('moru_0123456789');
  // Enter tests, however often it is pressed. Only the button adds what failed its test.
  await userEvent.keyboard('{Enter}');
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('Nothing answers');
  await expect.element(button('Add connection')).toHaveAccessibleDescription(/The test failed/);
  await field('API key').click();
  await userEvent.keyboard('{Enter}{Enter}');
  await expect.element(button('Test connection')).toBeVisible();
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('Nothing answers');
  await expect.element(dialog.getByText('is configured in')).not.toBeInTheDocument();
  await button('Add anyway').click();
  await expect
    .element(dialog.getByText('The connection local is configured in SANDKEEPER_ENGINE_KEY'))
    .toBeVisible();
});

test('a connection is removed only after its name was typed', async () => {
  await renderInPage(<RemoveDialog open facts={FACTS} onClose={() => {}} />);
  await expect.element(button('Remove connection')).toHaveAccessibleDescription('Type prod first.');
  await field('Type prod to confirm').fill('pro');
  await userEvent.keyboard('{Enter}');
  await expect.element(button('Remove connection')).toHaveAttribute('aria-disabled', 'true');
  await field('Type prod to confirm').fill('prod');
  await expect.element(button('Remove connection')).not.toHaveAttribute('aria-disabled');
});

test('a connection that fails says why, in both themes and on a phone', async () => {
  await renderInPage(<ConnectionPage facts={FACTS} compatibility={null} canChange />);
  await expect.element(page.getByRole('status')).toHaveTextContent('refused the API key');
  await expect.element(page.getByRole('main')).toHaveTextContent('Unauthorised');
  await expect.element(page.getByText('••••wxyz')).toBeVisible();
  await expectAccessibleInBothThemes('a connection that fails');
  await page.viewport(390, 844);
  for (const view of [
    <ConnectionPage key="one" facts={FACTS} compatibility={null} canChange />,
    <ConnectionsPage key="all" facts={[FACTS, { ...FACTS, name: 'other', state: 'disabled' }]} />,
  ]) {
    await renderInPage(view);
    await expect.element(page.getByRole('main')).toBeVisible();
    const { scrollWidth, clientWidth } = document.documentElement;
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
    await expectAccessibleInBothThemes('on a phone');
  }
});
