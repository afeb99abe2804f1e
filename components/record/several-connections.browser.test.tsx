import { afterEach, beforeEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { renderInPage } from '@/e2e/support/served/page';
import type { ShownConnection } from '@/lib/connection';
import type { ConnectionShare } from '@/lib/connection-split';
import { fleets } from '@/lib/fleet/fleets';
import { WHOLE_LOG } from '@/lib/operations/record/log-filter';
import { noCounts, type Operation } from '@/lib/operations/schema';
import { keyOf } from '@/lib/sandbox-key';
import { OperationHeading } from './operation-heading';
import { OperationLog } from './operation-log';

const connection = (name: string, label: string | null = null): ShownConnection => ({
  name,
  title: name,
  label,
  kind: 'moru',
  host: `api.${name}.example`,
  variables: {},
});

const operation: Operation = {
  id: 'op',
  act: 'kill',
  params: {},
  actorId: 'u1',
  connections: ['prod-eu', 'staging'],
  actor: 'ana',
  reason: '',
  filter: '',
  state: 'finished',
  createdAtMs: Date.UTC(2026, 4, 1),
  startsAtMs: Date.UTC(2026, 4, 1),
  finishedAtMs: Date.UTC(2026, 4, 1, 0, 1),
  cancelledAtMs: null,
  cancelledBy: null,
  retryOf: null,
  counts: { ...noCounts(), done: 15 },
};

beforeEach(() => page.viewport(1280, 720));
afterEach(() => fleets().show([]));

/** The log and the page of an operation on these sandboxes. */
async function renderRecord(split: ConnectionShare[]): Promise<void> {
  const entries = [{ operation, sandboxKey: null, split }];
  const items = split.flatMap(({ name, count }) =>
    Array.from({ length: count }, (_, at) => ({ sandboxKey: keyOf(name, `i${at}`) })),
  );
  await renderInPage(
    <>
      <OperationHeading operation={operation} sandboxKey={null} items={items} />
      <OperationLog
        search={WHOLE_LOG}
        page={{ entries, older: null }}
        errorEnds={{}}
        actors={[]}
        nowMs={Date.now()}
      />
    </>,
  );
}

const heading = page.getByRole('heading', { level: 1 }).first();
const row = page.getByRole('table', { name: 'Operations' }).getByRole('row').nth(1);
const SPLIT = [
  { name: 'prod-eu', count: 12 },
  { name: 'staging', count: 3 },
];

it('says how many sandboxes of an operation were in each connection', async () => {
  fleets().show([connection('prod-eu', 'EU'), connection('staging')]);
  await renderRecord(SPLIT);
  for (const place of [heading, row])
    await expect.element(place).toHaveTextContent(/Kill 15 sandboxes\s*12 in EU, 3 in staging/);
});

it('names a connection that is not in use any more, and none where only one is and was', async () => {
  fleets().show([connection('prod-eu', 'EU')]);
  await renderRecord(SPLIT);
  await expect.element(row).toHaveTextContent('12 in EU, 3 in staging');
  await renderRecord([{ name: 'prod-eu', count: 15 }]);
  for (const place of [heading, row]) {
    await expect.element(place).toHaveTextContent('Kill 15 sandboxes');
    await expect.element(place).not.toHaveTextContent('EU');
  }
});
