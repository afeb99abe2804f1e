import { expect, it, onTestFinished, vi } from 'vitest';
import { type Locator, page } from 'vitest/browser';
import { ServedPerson } from '@/components/data/use-person';
import { expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import { chooseRowAction, grid, OwnFleet, press } from '@/e2e/support/served/fleet';
import { lookAway, renderInPage, toast } from '@/e2e/support/served/page';
import { addFault, colleague, moru } from '@/e2e/support/served/sandboxes';
import type { OperationView } from '@/lib/operations/record/progress';
import { countOutcomes, type Operation, type Outcome } from '@/lib/operations/schema';
import type { Role } from '@/lib/roles';
import { TrayList } from './tray-list';

const tray = page.getByRole('region', { name: 'Running operations' });

/** The row of the operation with this title. Other tests run operations at the same server. */
const line = (title: string): Locator =>
  tray.getByRole('listitem').filter({ hasText: new RegExp(`^${title}`) });

const many = (count: number, outcome: Outcome): Outcome[] => Array.from({ length: count }, () => outcome);

/** An operation of admin as the tab knows it, whose window has passed unless `changes` says otherwise. */
function viewOf(id: string, outcomes: readonly Outcome[], changes: Partial<Operation> = {}): OperationView {
  const nowMs = Date.now();
  const operation: Operation = {
    id,
    act: 'kill',
    params: {},
    actorId: 'user-admin',
    actor: 'admin',
    reason: '',
    filter: '',
    state: 'running',
    createdAtMs: nowMs - 5_000,
    startsAtMs: nowMs - 1_000,
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
    connections: ['local'],
    counts: countOutcomes(outcomes.map((outcome) => ({ outcome }))),
    ...changes,
  };
  return {
    operation,
    items: new Map(),
    split: [],
    holds: [],
    samples: [],
    wasSeenRunning: true,
    endSeenAtMs: operation.finishedAtMs,
  };
}

const ended = (): Partial<Operation> => ({ state: 'finished', finishedAtMs: Date.now() });

function list(views: OperationView[], role: Role = 'operator', onAnnounce = (_: string) => {}) {
  const person = { userId: `user-${role}`, actor: role, grants: { everywhere: role, on: {} } };
  return (
    <ServedPerson person={person}>
      <TrayList views={views} onAnnounce={onAnnounce} />
    </ServedPerson>
  );
}

it('counts down the cancel window, and then offers to stop the rest', async () => {
  const startsAtMs = Date.now() + 1_500;
  const announced: string[] = [];
  const waiting = viewOf('window', many(3, 'waiting'), { startsAtMs });
  await renderInPage(list([waiting], 'operator', (text) => void announced.push(text)));
  await expect.element(line('Killing 3 sandboxes in 2 s')).toHaveTextContent('by admin');
  await expect.element(line('Killing 3 sandboxes')).toHaveTextContent('No requests have been sent.');
  await expect.element(line('Killing 3 sandboxes').getByRole('button', { name: 'Cancel' })).toBeEnabled();
  await expect.element(line('Killing 3 sandboxes in 1 s')).toBeVisible();
  const stop = line('Killing 3 sandboxes').getByRole('button', { name: 'Stop the rest' });
  await expect.element(stop).toBeEnabled();
  await expect
    .element(line('Killing 3 sandboxes').getByRole('progressbar'))
    .toHaveAttribute('aria-valuemax', '3');
  expect(announced).toEqual([
    'Killing 3 sandboxes in 7 s. It can still be cancelled.',
    'Killing 3 sandboxes.',
  ]);
});

it('does not repeat a result that its own page has shown', async () => {
  const failed = viewOf('read', [...many(2, 'done'), 'failed'], ended());
  await renderInPage(list([failed]));
  await expect.element(line('Kill 3 sandboxes')).toBeVisible();
  await renderInPage(list([failed]), '/operations/read');
  await expect.element(tray).not.toBeInTheDocument();
  await renderInPage(list([failed, viewOf('other', [...many(3, 'done'), 'failed'], ended())]));
  await expect.element(line('Kill 4 sandboxes')).toBeVisible();
  await expect.element(line('Kill 3 sandboxes')).not.toBeInTheDocument();
});

it('lets viewers watch but not stop an operation', async () => {
  const { fetch } = window;
  const requests = vi.fn(fetch);
  window.fetch = requests;
  onTestFinished(() => {
    window.fetch = fetch;
  });
  await renderInPage(list([viewOf('watched', [...many(2, 'done'), ...many(2, 'sending')])], 'viewer'));
  const stop = line('Killing 4 sandboxes').getByRole('button', { name: 'Stop the rest' });
  await expect.element(stop).toHaveAttribute('aria-disabled', 'true');
  await expect.element(stop).toHaveAccessibleDescription('Requires the operator role.');
  (stop.element() as HTMLElement).click();
  expect(requests).not.toHaveBeenCalled();
});

it('says that a cancelled operation sent nothing', async () => {
  await renderInPage(list([viewOf('cancelled', many(3, 'cancelled'), ended())]));
  await expect.element(line('Kill 3 sandboxes')).toHaveTextContent('Cancelled before any request was sent.');
});

it('removes a success after a while, but not under the pointer', async () => {
  const endedAtMs = Date.now() - 7_000;
  const view = () => viewOf('success', many(3, 'done'), { state: 'finished', finishedAtMs: endedAtMs });
  await renderInPage(
    <>
      <button type="button">Elsewhere</button>
      {list([view()])}
    </>,
  );
  await tray.hover();
  await expect.poll(() => Date.now() - endedAtMs).toBeGreaterThan(10_500);
  await expect.element(line('Kill 3 sandboxes')).toHaveTextContent('3 killed, verified');
  await page.getByRole('button', { name: 'Elsewhere' }).hover();
  await expect.element(tray).not.toBeInTheDocument();
});

it('is accessible in both themes in every phase', async () => {
  await renderInPage(
    list(
      [
        viewOf('one', many(3, 'waiting'), { startsAtMs: Date.now() + 60_000 }),
        viewOf('two', [...many(2, 'done'), ...many(3, 'sending')]),
        viewOf('three', [...many(2, 'done'), ...many(3, 'sending')], { cancelledAtMs: Date.now() }),
        viewOf('four', [...many(7, 'done'), 'denied'], ended()),
      ],
      'viewer',
    ),
  );
  await expect.element(line('Kill 8 sandboxes')).toHaveTextContent('1 denied');
  await expectAccessibleInBothThemes('an operation in each phase');
});

it('keeps a failed operation until it is dismissed, and offers a retry', async () => {
  const fleet = new OwnFleet();
  const [bad = '', ...good] = await fleet.createAll(5);
  const mend = await addFault({ route: `POST /sandboxes/${bad}/pause`, status: 500, message: 'broken' });
  await fleet.open(5, { role: 'operator' });
  await colleague('operator').pause([bad, ...good]);
  const failed = line('Pause 5 sandboxes');
  await expect.element(failed).toHaveTextContent('4 paused');
  await expect.element(failed).toHaveTextContent('1 failed');
  await mend();
  await failed.getByRole('button', { name: 'Retry 1' }).click();
  await expect.element(failed).not.toBeInTheDocument();
  await expect.poll(() => moru.stateOf(bad)).toBe('paused');

  for (const id of good) await addFault({ route: `DELETE /sandboxes/${id}`, status: 403, message: 'no' });
  await colleague('admin').kill(good);
  const denied = line('Kill 4 sandboxes');
  await expect.element(denied).toHaveTextContent('4 denied');
  await expect
    .element(denied.getByRole('button', { name: 'Retry 4…' }))
    .toHaveAccessibleDescription('Requires the admin role.');
  await tray.getByRole('button', { name: 'Dismiss: Kill 4 sandboxes' }).click();
  await expect.element(denied).not.toBeInTheDocument();
});

it('shows an action on one sandbox only while it is cancellable or slow, then a toast', async () => {
  const fleet = new OwnFleet();
  const [slow = '', quick = '', third = ''] = await fleet.createAll(3);
  await fleet.open(3);
  await chooseRowAction(quick, 'Pause');
  await expect.element(toast(`Paused ${quick}`)).toBeVisible();
  await expect.element(line('Paus(ing|e) 1 sandbox')).not.toBeInTheDocument();

  await addFault({ route: `POST /sandboxes/${slow}/pause`, latencyMs: 2_500 });
  await chooseRowAction(slow, 'Pause');
  await expect.element(line('Pausing 1 sandbox')).toHaveTextContent('1 in progress');
  await expect.element(toast(`Paused ${slow}`)).toBeVisible();
  await expect.element(line('Paus(ing|e) 1 sandbox')).not.toBeInTheDocument();

  await colleague('operator').pause([third]);
  await expect.poll(() => moru.stateOf(third)).toBe('paused');
  await expect.element(line('Paus(ing|e) 1 sandbox')).not.toBeInTheDocument();
});

it('covers no content with many operations in a narrow window', async () => {
  const fleet = new OwnFleet();
  const ids = await fleet.createAll(40);
  for (const id of ids.slice(0, 12))
    await addFault({ route: `POST /sandboxes/${id}/pause`, latencyMs: 6_000 });
  await page.viewport(700, 640);
  onTestFinished(() => page.viewport(1280, 720));
  await fleet.open(40);
  for (let at = 0; at < 12; at += 2) await colleague('operator').pause(ids.slice(at, at + 2));
  const lines = () => tray.getByRole('listitem').elements();
  await expect.poll(() => lines().length).toBeGreaterThanOrEqual(6);
  const [gridBox, trayBox] = [grid, tray].map((part) => part.element().getBoundingClientRect());
  expect(gridBox?.bottom).toBeLessThanOrEqual((trayBox?.top ?? 0) + 1);
  expect(trayBox?.bottom).toBeLessThanOrEqual(640);
  expect(gridBox?.height).toBeGreaterThan(200);
  // The last row can be reached with the keyboard.
  (tray.element() as HTMLElement).focus();
  await press('{End}');
  const last = () => lines().at(-1)?.getBoundingClientRect().bottom ?? Number.POSITIVE_INFINITY;
  await expect.poll(() => last() <= 640).toBe(true);
  expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(700);
  await lookAway();
});
