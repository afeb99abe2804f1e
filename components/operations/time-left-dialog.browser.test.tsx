import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { ServedPerson } from '@/components/data/use-person';
import { rowWith } from '@/lib/fleet/test-fleet';
import type { Operation, OperationPlan } from '@/lib/operations/schema';
import { PLAN_LIVES_MS } from '@/lib/operations/schema';
import type { Role } from '@/lib/roles';
import type { Sandbox } from '@/lib/sandbox/schema';
import { type TimeChoice, TimeLeftDialog } from './time-left-dialog';

const MIN_MS = 60_000;

function endingIn(id: string, minutes: number): Sandbox {
  return { ...rowWith({ id, state: 'running' }).sandbox, endAtMs: Date.now() + minutes * MIN_MS + 2_000 };
}

const SEVEN = [5, 5, 10, 60, 5, 120, 3].map((minutes, at) => endingIn(`sandbox${at}`, minutes));

function planOf(targets: Sandbox[], params: TimeChoice): OperationPlan {
  return {
    token: 'token',
    act: 'setTimeout',
    params,
    targets,
    skipped: [],
    mustType: null,
    cancelWindowMs: 0,
    expiresAtMs: Date.now() + PLAN_LIVES_MS,
    cannotArchive: null,
  };
}

function setUp(
  sandboxes: readonly Sandbox[],
  reading: readonly Sandbox[] = sandboxes,
  planned: Partial<OperationPlan> = {},
  role: Role = 'admin',
) {
  const plan = vi.fn(async (keys: string[], choice: TimeChoice) => ({
    ok: true as const,
    value: {
      ...planOf(
        reading.filter(({ key }) => keys.includes(key)),
        choice,
      ),
      ...planned,
    },
  }));
  const start = vi.fn(async () => ({ ok: true as const, value: { id: 'op' } as Operation }));
  const onChoose = vi.fn();
  const onStarted = vi.fn();
  const grants = { everywhere: null, on: { local: role } };
  const dialog = (
    <ServedPerson person={{ userId: 'user-ana', actor: 'ana', grants }}>
      <TimeLeftDialog
        request={{ sandboxes, retry: null }}
        onClose={() => {}}
        onChoose={onChoose}
        plan={plan}
        start={start}
        onStarted={onStarted}
      />
    </ServedPerson>
  );
  return { dialog, plan, start, onChoose, onStarted };
}

const list = page.getByRole('region', { name: 'Changes of the time left' });
const button = (name: RegExp | string) => page.getByRole('button', { name, exact: true });

it('shows what each sandbox gains or loses, and leaves out those that would lose time', async () => {
  const { dialog, plan, start, onStarted } = setUp(SEVEN);
  await render(dialog);
  const rows = list.getByRole('listitem');
  // Those with more time left come first.
  await expect.element(rows.nth(0)).toHaveTextContent(/sandbox5.*2h 00m left.*not changed/);
  await expect.element(rows.nth(1)).toHaveTextContent(/sandbox3.*1h 00m left.*not changed/);
  await expect.element(rows.nth(2)).toHaveTextContent(/sandbox2.*10m 0\ds left.*\+5 min/);
  await button('Set time left of 5').click();
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalled());
  expect(plan).toHaveBeenCalledWith(
    ['local/sandbox0', 'local/sandbox1', 'local/sandbox2', 'local/sandbox4', 'local/sandbox6'],
    {
      timeoutMs: 15 * MIN_MS,
    },
  );
  expect(start).toHaveBeenCalledWith('token', '');
});

it('shortens only when asked to, and says by how much', async () => {
  const { dialog, plan } = setUp(SEVEN);
  await render(dialog);
  await page.getByRole('checkbox', { name: 'Also shorten the 2 sandboxes with more time left' }).click();
  await expect.element(list.getByRole('listitem').nth(0)).toHaveTextContent('−1 h 45 min');
  await button('Set time left of 7').click();
  await vi.waitFor(() => expect(plan.mock.calls[0]?.[0]).toHaveLength(7));
});

it('adds time to every sandbox', async () => {
  const { dialog, plan } = setUp(SEVEN);
  await render(dialog);
  await button('+15 min').click();
  await expect.element(list.getByRole('listitem').nth(0)).toHaveTextContent('+15 min');
  await expect.element(page.getByRole('checkbox')).not.toBeInTheDocument();
  await button('Add 15 min to 7').click();
  await vi.waitFor(() => expect(plan).toHaveBeenCalledWith(expect.any(Array), { addMs: 15 * MIN_MS }));
  expect(plan.mock.calls[0]?.[0]).toHaveLength(7);
});

it('asks again if a sandbox was given more time since the dialog opened', async () => {
  const { dialog, start } = setUp(SEVEN, [endingIn('sandbox0', 200), ...SEVEN.slice(1)]);
  await render(dialog);
  await button('Set time left of 5').click();
  await expect.element(page.getByRole('alert')).toHaveTextContent('1 sandbox would lose time');
  await expect.element(button('Set time left of 4')).toBeVisible();
  expect(start).not.toHaveBeenCalled();
});

it('says what a single sandbox loses, and changes it without a plan', async () => {
  const only = endingIn('only', 60);
  const { dialog, onChoose, plan } = setUp([only]);
  await render(dialog);
  await expect.element(page.getByRole('dialog')).toHaveTextContent('It loses 45 min');
  await button('+15 min').click();
  await expect.element(page.getByRole('dialog')).toHaveTextContent('It gains 15 min');
  await button('Add 15 min').click();
  expect(onChoose).toHaveBeenCalledWith([only], { addMs: 15 * MIN_MS });
  expect(plan).not.toHaveBeenCalled();
});

it('shows the metadata that tells the sandboxes apart', async () => {
  const sandboxes = ['ana', 'li'].map((owner) => ({
    ...endingIn(`of-${owner}`, 5),
    metadata: { environment: 'development', owner },
  }));
  await render(setUp(sandboxes).dialog);
  await expect.element(list).toHaveTextContent('owner=li');
  expect(list.element().textContent).not.toContain('environment');
});

it('confirms like a kill what ends sandboxes within five minutes', async () => {
  const params = { timeoutMs: 2 * MIN_MS, ends: 2 };
  const two = [endingIn('one', 60), endingIn('two', 90)];
  const { dialog, start, onStarted } = setUp(two, two, { params, mustType: 'end 2' });
  await render(dialog);
  await page.getByRole('textbox', { name: 'Minutes from now' }).fill('2');
  await page.getByRole('checkbox', { name: /Also shorten/ }).click();
  await expect.element(page.getByRole('alert')).toHaveTextContent('This ends 2 sandboxes within 5 minutes');
  await expect.element(button('End 2 sandboxes')).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('textbox', { name: /^Type/ }).fill('end 2');
  await button('End 2 sandboxes').click();
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalled());
  expect(start).toHaveBeenCalledWith('token', 'end 2');
});

it('plans the end of a single sandbox, and asks for the id of a protected one', async () => {
  const only = endingIn('only', 60);
  const params = { timeoutMs: MIN_MS, ends: 1 };
  const { dialog, start, onChoose } = setUp([only], [only], { params, mustType: 'only' });
  await render(dialog);
  await page.getByRole('textbox', { name: 'Minutes from now' }).fill('1');
  await button('End sandbox').click();
  await expect.element(page.getByText('To end it anyway, type its ID.')).toBeVisible();
  expect(start).not.toHaveBeenCalled();
  await page.getByRole('textbox', { name: /^Type/ }).fill('only');
  await button('End sandbox').click();
  await vi.waitFor(() => expect(start).toHaveBeenCalledWith('token', 'only'));
  expect(onChoose).not.toHaveBeenCalled();
});

it('does not offer an operator to end sandboxes', async () => {
  const only = endingIn('only', 60);
  const { dialog, plan, onChoose } = setUp([only], [only], {}, 'operator');
  await render(dialog);
  await page.getByRole('textbox', { name: 'Minutes from now' }).fill('1');
  await expect.element(page.getByRole('dialog')).toHaveTextContent('which requires the admin role on local');
  await expect.element(button('Set time left')).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('textbox', { name: 'Minutes from now' }).fill('10');
  await button('Set time left').click();
  await vi.waitFor(() => expect(onChoose).toHaveBeenCalled());
  expect(plan).not.toHaveBeenCalled();
});
