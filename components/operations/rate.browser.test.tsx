import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { ServedPerson } from '@/components/data/use-person';
import type { OperationView } from '@/lib/operations/record/progress';
import { type ConnectionHold, type Hold, noCounts, type Operation } from '@/lib/operations/schema';
import { OperationRate } from './rate';

const { tryHeldNow } = vi.hoisted(() => ({ tryHeldNow: vi.fn(async () => ({ ok: true, value: null })) }));
vi.mock('@/lib/operations/actions', () => ({ tryHeldNow }));

const OPERATION = {
  id: 'op',
  act: 'kill',
  state: 'running',
  startsAtMs: 0,
  cancelledAtMs: null,
  counts: { ...noCounts(), done: 4, waiting: 12 },
} as Operation;

const LOCAL = [{ name: 'local', count: 20 }];

function renderHold(hold: Hold, nowMs: number, role: 'viewer' | 'operator' = 'operator') {
  return renderRate({ holds: [{ ...hold, connection: 'local' }], split: LOCAL }, nowMs, role);
}

type Held = { holds: ConnectionHold[]; split: OperationView['split']; samples?: OperationView['samples'] };

function renderRate({ samples = [], ...held }: Held, nowMs: number, role: 'viewer' | 'operator') {
  const view: OperationView = {
    operation: OPERATION,
    items: new Map(),
    ...held,
    samples,
    wasSeenRunning: true,
    endSeenAtMs: null,
  };
  return render(
    <div data-testid="rate">
      <ServedPerson person={{ userId: 'user-ana', actor: 'ana', grants: { everywhere: role, on: {} } }}>
        <OperationRate view={view} nowMs={nowMs} />
      </ServedPerson>
    </div>,
  );
}

const shown = () => expect.element(page.getByTestId('rate'));

it('says that the service asked only if it did', async () => {
  const nowMs = Date.now();
  const { unmount } = await renderHold({ untilMs: nowMs + 3_000, isAsked: true }, nowMs);
  await shown().toHaveTextContent(/^The service asked to wait 3 s\.$/);
  await unmount();
  await renderHold({ untilMs: nowMs + 3_000, isAsked: false }, nowMs);
  await shown().toHaveTextContent(/^The service refuses requests\. Next try in 3 s\.$/);
});

it('shows the end of a long wait, and tries at once when asked', async () => {
  const nowMs = Date.now();
  await renderHold({ untilMs: nowMs + 86_400_000, isAsked: true }, nowMs);
  await shown().toHaveTextContent(/^The service asked to wait until .+\./);
  await page.getByRole('button', { name: 'Try now' }).click();
  expect(tryHeldNow).toHaveBeenCalledExactlyOnceWith({ connection: 'local' });
});

it('names the connection that waits, while the others go on', async () => {
  tryHeldNow.mockClear();
  const nowMs = Date.now();
  const split = [
    { name: 'prod', count: 13 },
    { name: 'staging', count: 3 },
  ];
  const holds = [{ connection: 'staging', untilMs: nowMs + 40_000, isAsked: true }];
  const samples = [
    { atMs: nowMs - 2_000, final: 0 },
    { atMs: nowMs, final: 4 },
  ];
  await renderRate({ holds, split, samples }, nowMs, 'operator');
  await shown().toHaveTextContent(
    /^2 per second, about 6 s left.*staging: The service asked to wait 4[01] s\./,
  );
  await page.getByRole('button', { name: 'Try staging now' }).click();
  expect(tryHeldNow).toHaveBeenCalledExactlyOnceWith({ connection: 'staging' });
});

it('lets a viewer not end a wait', async () => {
  const nowMs = Date.now();
  await renderHold({ untilMs: nowMs + 60_000, isAsked: true }, nowMs, 'viewer');
  await expect
    .element(page.getByRole('button', { name: 'Try now' }))
    .toHaveAttribute('aria-disabled', 'true');
});
