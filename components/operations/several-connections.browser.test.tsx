import { afterEach, beforeEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Dialog } from '@/components/ui/dialog';
import type { ShownConnection } from '@/lib/connection';
import { fleets } from '@/lib/fleet/fleets';
import { rowWith } from '@/lib/fleet/test-fleet';
import { blastRadius } from '@/lib/operations/plan/blast-radius';
import type { Skipped } from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import { keyOf } from '@/lib/sandbox-key';
import { PlanList } from './plan-list';
import { PlanRadius } from './plan-radius';

const connection = (name: string): ShownConnection => ({
  name,
  title: name,
  label: null,
  kind: 'moru',
  host: `api.${name}.example`,
  variables: {},
});
const sandboxIn = (name: string, id: string): Sandbox => ({
  ...rowWith({ id }).sandbox,
  key: keyOf(name, id),
});

const targets = [sandboxIn('prod', 'a1'), sandboxIn('prod', 'a2'), sandboxIn('staging', 'b1')];
const skipped: Skipped[] = [
  {
    sandboxKey: 'eu/c1',
    kind: 'unreadable',
    reason: 'The sandbox service refused the API key.',
    sandbox: null,
  },
  {
    sandboxKey: 'eu/c2',
    kind: 'unreadable',
    reason: 'The sandbox service refused the API key.',
    sandbox: null,
  },
];

beforeEach(() => page.viewport(1280, 900));
afterEach(() => fleets().show([]));

async function renderPlan(targets: Sandbox[], skipped: Skipped[]): Promise<void> {
  const radius = blastRadius(targets, { keys: 3, values: 4 });
  await render(
    <Dialog open onOpenChange={() => {}} title="Kill" size="lg" footer={<button type="button">Kill</button>}>
      <PlanRadius act="kill" radius={radius} verdict="will be killed" skipped={skipped} />
      <PlanList sandboxes={targets} label="Sandboxes" keys={radius.distinguishing} />
    </Dialog>,
  );
}

const dialog = page.getByRole('dialog');
const list = page.getByRole('region', { name: 'Sandboxes' });

it('shows the split of a plan, the connection of each sandbox, and why one is left out', async () => {
  fleets().show(['prod', 'staging', 'eu'].map(connection));
  await renderPlan(targets, skipped);
  await expect.element(dialog).toHaveTextContent(/3 will be killed\s*2 in prod, 1 in staging/);
  await expect.element(list).toHaveTextContent(/prod\/a1.*prod\/a2.*staging\/b1/);
  await expect.element(dialog).toHaveTextContent('2 in eu (the sandbox service refused the API key)');
});

it('names no connection where one is in use', async () => {
  fleets().show([connection('prod')]);
  const inProd = ['a1', 'a2', 'b1'].map((id) => sandboxIn('prod', id));
  await renderPlan(inProd, []);
  await expect.element(dialog).toHaveTextContent(/3 will be killed/);
  await expect.element(list).toHaveTextContent(/a1.*a2.*b1/);
  expect(list.element().textContent).not.toContain('prod');
  await expect.element(dialog).not.toHaveTextContent('in prod');
});
