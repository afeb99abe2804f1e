import { beforeEach, expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { openPage, renderInPage, toast } from '@/e2e/support/served/page';
import type { ListedSession } from '@/lib/access/session-schema';
import { SessionsSection } from './sessions-section';
import { SignInPage } from './sign-in-page';

const NOW_MS = Date.UTC(2026, 4, 1, 12);
const HERE: ListedSession = {
  ref: 'a'.repeat(22),
  method: 'link',
  createdAtMs: NOW_MS - 3_600_000,
  lastSeenAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 3_600_000,
  address: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0',
  isCurrent: true,
};
const PHONE = { ...HERE, ref: 'b'.repeat(22), isCurrent: false, userAgent: 'iPhone Safari', address: null };
const STRANGE = { ...PHONE, ref: 'c'.repeat(22), userAgent: '\u202E<b>', address: '2001:db8::1' };

const dialog = page.getByRole('alertdialog');

beforeEach(() => page.viewport(1280, 720));

test('a viewer reads who they are, and finds the settings', async () => {
  await openPage('/settings/profile', { role: 'viewer' });
  await expect.element(page.getByRole('heading', { level: 1 })).toHaveTextContent('Profile');
  const you = page.getByRole('region', { name: 'You' });
  await expect.element(you.getByLabelText('Name')).toHaveValue('viewer');
  await expect.element(you).toHaveTextContent('All connections: viewer');
  await expect
    .element(you.getByRole('button', { name: 'Save name' }))
    .toHaveAttribute('aria-disabled', 'true');
  await you.getByLabelText('Name').fill('');
  await expect.element(you.getByRole('alert')).toHaveTextContent('Enter a name.');
  const sessions = page.getByRole('region', { name: 'Sessions' });
  await expect.element(sessions).toHaveTextContent('This browser');
  await expectAccessibleInBothThemes('the profile');
});

test('a session is ended after a dialog that says what ends with it', async () => {
  await renderInPage(<SessionsSection sessions={[HERE, PHONE, STRANGE]} person={null} />);
  const items = page.getByRole('listitem');
  await expect.element(items.nth(0)).toHaveTextContent(/Firefox on Linux.*from 203\.0\.113\.7.*This browser/);
  await expect.element(items.nth(0).getByRole('button')).not.toBeInTheDocument();
  await expect.element(items.nth(2)).toHaveTextContent('Unknown browser');
  await page.getByRole('button', { name: 'End the session in Safari on iPhone' }).click();
  await expect
    .element(dialog)
    .toHaveTextContent(/downloads and uploads end.*Operations.*cancelled.*sign out/);
  await dialog.getByRole('button', { name: 'End session' }).click();
  await expect.element(dialog.getByRole('alert')).toHaveTextContent('This session is over already.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'End all other sessions…' }).click();
  await dialog.getByRole('button', { name: 'End sessions' }).click();
  await expect.element(toast('Ended the sessions')).toBeVisible();
});

test('the sign-in page says which Sandkeeper it is, and what to do where nothing is set up', async () => {
  const page390 = { host: `${'x'.repeat(60)}.example.com`, kinds: ['moru', 'moru', 'local'] as const };
  await page.viewport(390, 720);
  await renderInPage(<SignInPage {...page390} problem={null} ways={[]} link={null} hasLink={false} />);
  await expect.element(page.getByText('3 connections: Moru (2), Local engine')).toBeVisible();
  await expect.element(page.getByText('npm run sign-in-link')).toBeVisible();
  expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
});
