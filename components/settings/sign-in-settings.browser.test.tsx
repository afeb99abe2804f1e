import { beforeEach, expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { MembershipNotice } from '@/components/access/membership-notice';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { catchCopies, openPage, renderInPage } from '@/e2e/support/served/page';
import type { SignInTest } from '@/lib/access/oidc/sign-in-test-result';
import type { ProviderFacts, SignInFacts } from '@/lib/settings/sign-in-facts';
import { SignInSettings } from './sign-in-settings';
import { SignInTestPage } from './sign-in-test-page';

const HOSTILE = '\u202Egnp.exe<b>';
const LONG = 'x'.repeat(200);

const PROVIDER: ProviderFacts = {
  name: 'acme',
  title: { value: HOSTILE, from: `provider acme in /etc/${LONG}.yaml` },
  issuer: { value: `https://${LONG}.example.com`, from: 'provider acme in /etc/oidc.yaml' },
  clientId: { value: LONG, from: 'provider acme in /etc/oidc.yaml' },
  clientSecret: { value: 'Set', from: 'ACME_SECRET of provider acme in /etc/oidc.yaml' },
  scopes: { value: 'openid profile email', from: null },
  parameters: { value: 'access_type=offline', from: 'provider acme in /etc/oidc.yaml' },
  groupsClaim: { value: 'groups', from: null },
  grants: [
    { group: LONG, role: 'admin', on: ['*'] },
    { group: HOSTILE, role: 'operator', on: ['moru', 'staging'] },
  ],
  grantsFrom: 'provider acme in /etc/oidc.yaml',
  redirectUri: 'https://sandkeeper.example.com/sign-in/callback',
  afterSignOutUri: 'https://sandkeeper.example.com/sign-in',
  backChannelUri: 'https://sandkeeper.example.com/sign-in/back-channel/acme',
};
const FACTS: SignInFacts = {
  providers: [PROVIDER],
  checkSeconds: { value: '3600', from: null },
  clockSeconds: { value: '90', from: 'SANDKEEPER_OIDC_CLOCK_SECONDS' },
  redirectUri: PROVIDER.redirectUri,
};
const TEST: SignInTest = {
  title: 'Acme',
  atMs: Date.UTC(2026, 4, 1),
  account: { name: HOSTILE, email: null, subject: LONG },
  problem: 'Your account has none of the groups “leads” that give access to Sandkeeper; it has: “hr”.',
  claims: [
    { name: 'sub', value: LONG },
    { name: 'name', value: HOSTILE },
  ],
  groupsClaim: 'groups',
  groups: [
    { name: 'ops', grants: [{ role: 'operator', on: ['moru'] }] },
    { name: 'hr', grants: [] },
  ],
  moreGroups: 1_234,
  abilities: [{ name: 'Sign-out at the provider', text: 'Not offered', isMissing: true }],
};

beforeEach(() => page.viewport(1280, 720));

test('without a provider, the page says how to set one up', async () => {
  const copied = catchCopies();
  await openPage('/settings/sign-in');
  await expect.element(page.getByRole('heading', { name: 'No identity provider is set up' })).toBeVisible();
  await page.getByRole('button', { name: 'Copy Redirect URI' }).click();
  await expect.poll(() => copied).toEqual([expect.stringMatching(/\/sign-in\/callback$/)]);
});

test('each value says where it comes from', async () => {
  await renderInPage(<SignInSettings facts={FACTS} />);
  const main = page.getByRole('main');
  await expect.element(main).toHaveTextContent(/Client secretSetACME_SECRET of provider acme/);
  await expect.element(main).toHaveTextContent(/Scopesopenid profile emailDefault/);
  await expect.element(main).toHaveTextContent(/GroupsConfirmed at least every hourDefault/);
  await expect.element(main).toHaveTextContent(/ClocksMay differ by 90 secondsSANDKEEPER_OIDC_CLOCK_SECONDS/);
  await expect
    .element(page.getByRole('row', { name: '[RLO]gnp.exe<b> operator moru, staging' }))
    .toBeVisible();
});

test('the result of a test shows groups with what they give, and why access is refused', async () => {
  await renderInPage(<SignInTestPage test={TEST} />);
  await expect.element(page.getByRole('status')).toHaveTextContent(/cannot sign in\. Your account has none/);
  await expect.element(page.getByRole('row', { name: 'ops operator on moru' })).toBeVisible();
  await expect.element(page.getByRole('row', { name: 'hr Nothing' })).toBeVisible();
  await expect.element(page.getByText('and 1,234 more groups')).toBeVisible();
});

test('a provider that is down is named above the page, with the end of the session', async () => {
  const membership = {
    provider: 'sso',
    title: HOSTILE,
    problem: 'Acme cannot be reached. Try again, and tell an admin if it stays so.',
    checkedAtMs: Date.now() - 60_000,
    endsAtMs: Date.now() + 60_000,
  };
  await renderInPage(<MembershipNotice initial={membership} />);
  const notice = page.getByRole('status');
  await expect.element(notice).toHaveTextContent(/has not confirmed your access since .* signed out at/);
  await expect
    .element(notice.getByRole('link', { name: 'Sign in again' }))
    .toHaveAttribute('href', '/sign-in/with/sso?next=%2Fsandboxes');
  await renderInPage(<MembershipNotice initial={{ ...membership, problem: null }} />);
  await expect.element(page.getByRole('status')).not.toBeInTheDocument();
});

test('the pages are accessible in both themes, also on a phone', async () => {
  for (const width of [1280, 390]) {
    await page.viewport(width, 844);
    for (const [name, view] of [
      ['settings', <SignInSettings key="settings" facts={FACTS} />],
      ['no provider', <SignInSettings key="none" facts={{ ...FACTS, providers: [] }} />],
      ['result', <SignInTestPage key="result" test={TEST} />],
      ['no result', <SignInTestPage key="gone" test={null} />],
    ] as const) {
      await renderInPage(view);
      await expect.element(page.getByRole('main')).toBeVisible();
      const { scrollWidth, clientWidth } = document.documentElement;
      expect(scrollWidth, `${name} at ${width}`).toBeLessThanOrEqual(clientWidth);
      await expectAccessibleInBothThemes(`${name} at ${width}`);
    }
  }
});
