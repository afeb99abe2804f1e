import { useState } from 'react';
import { expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { renderInPage } from '@/e2e/support/served/page';
import type { ShownConnection } from '@/lib/connection';
import { type FleetStatus, NOTHING_READ } from '@/lib/fleet/delta';
import type { Role } from '@/lib/roles';
import { ConnectionSwitcher } from './connection-switcher';
import { FleetBanners } from './fleet-banners';
import { NothingMatches } from './fleet-states';
import { NoConnections } from './no-connections';
import type { ListedConnection } from './use-listed';

const NOW_MS = Date.now();
const VIEWER: Role = 'viewer';
const ADMIN: Role = 'admin';

function listed(name: string, title: string, status: Partial<FleetStatus>, running = 0): ListedConnection {
  return {
    name,
    title,
    label: null,
    kind: 'moru',
    host: `api.${name}.example`,
    variables: {},
    status: { ...NOTHING_READ, ...status },
    counts: { running, paused: 0, total: running },
  };
}

const unreachable = { code: 'unavailable', message: 'The sandbox service could not be reached.' } as const;
const ALL = [
  listed('prod', 'Production', { asOfMs: NOW_MS, maxRunning: 20 }, 19),
  listed('staging', 'Staging', { asOfMs: NOW_MS - 40_000, problem: unreachable }, 3),
  listed('lab', 'Lab', {}),
];
const statuses = new Map(ALL.map(({ name, status }) => [name, status]));
const names = ALL.map(({ name }) => name);

const opener = page.getByRole('button', { name: /^Connections:/ });
const item = (name: RegExp) => page.getByRole('menuitemradio', { name });

async function openSwitcher() {
  await renderInPage(
    <ConnectionSwitcher listed={ALL} chosen={null} isWhole nowMs={NOW_MS}>
      3 connections
    </ConnectionSwitcher>,
  );
  await opener.click();
  await expect.element(item(/^All connections/)).toBeVisible();
}

test('the switcher shows the count, the state and the limit of each connection', async () => {
  await openSwitcher();
  await expect.element(item(/^All connections/)).toHaveTextContent('22');
  await expect.element(item(/^All connections/)).toBeChecked();
  await expect.element(item(/^Production/)).toHaveTextContent(/19.*as of \d[\dms ]* ago.*of 20/);
  await expect.element(item(/^Staging/)).toHaveTextContent(/3.*as of \d[\dms ]* ago, API unreachable/);
  await expect.element(item(/^Lab/)).toHaveTextContent('loading…');
  await expectAccessibleInBothThemes('the switcher');
});

function Banners({ connections = ALL as readonly ShownConnection[] }) {
  const [shown, setShown] = useState<readonly string[]>(names);
  return (
    <main>
      <FleetBanners
        connections={connections}
        statuses={statuses}
        shown={shown}
        roles={() => VIEWER}
        nowMs={NOW_MS}
        onHide={(name) => setShown(shown.filter((other) => other !== name))}
      />
    </main>
  );
}

test('the banners name the connection that is old and those that are loading, and leave the others alone', async () => {
  await renderInPage(<Banners />);
  const texts = () =>
    page
      .getByRole('status')
      .elements()
      .map(({ textContent }) => textContent);
  expect(texts()).toEqual([
    expect.stringMatching(
      /^Staging: The sandbox service could not be reached\. What you see of it is \d[\dms ]* old\./,
    ),
    'Lab: loading…',
  ]);
  await expectAccessibleInBothThemes('the banners');
  await page.getByRole('button', { name: 'Hide the sandboxes of Staging' }).click();
  await expect.poll(texts).toEqual(['Lab: loading…']);
});

test('the banner of the only connection does not name it', async () => {
  const staging = ALL.filter(({ name }) => name === 'staging');
  await renderInPage(<Banners connections={staging} />);
  await expect
    .element(page.getByRole('status'))
    .toHaveTextContent(/^The sandbox service .* What you see is \d[\dms ]* old\.$/);
  expect(page.getByRole('button').elements()).toEqual([]);
});

test('the empty states say what can be done next', async () => {
  await renderInPage(<NoConnections role={ADMIN} />);
  await expect
    .element(page.getByRole('link', { name: 'Add a connection' }))
    .toHaveAttribute('href', '/settings/connections');
  await expectAccessibleInBothThemes('no connections');
  await renderInPage(<NoConnections role={VIEWER} />);
  await expect.element(page.getByText('Ask an admin to add one')).toBeVisible();
  expect(page.getByRole('link').elements()).toEqual([]);

  const words = 'Lab has no sandboxes.';
  await renderInPage(<NothingMatches isWrong={false} empty={words} id={null} onClear={() => {}} />);
  await expect.element(page.getByText('has no sandboxes.')).toBeVisible();
  await expect.element(page.getByRole('button', { name: 'Show all connections' })).toBeVisible();
});
