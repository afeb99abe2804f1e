import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { rowWith } from '@/lib/fleet/test-fleet';
import { type Operation, type OperationPlan, PLAN_LIVES_MS } from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CommandDialog } from './command-dialog';

const FLEET: Sandbox[] = Array.from(
  { length: 15 },
  (_, at) =>
    rowWith({
      id: `sandbox${at}`,
      state: at === 14 ? 'paused' : 'running',
      metadata: { environment: at < 3 ? 'production' : 'development' },
    }).sandbox,
);

function setUp(reading: readonly Sandbox[] = FLEET) {
  const plan = vi.fn(async () => ({
    ok: true as const,
    value: {
      token: 'token',
      act: 'run',
      params: {},
      targets: reading.filter(({ state }) => state === 'running'),
      skipped: [],
      mustType: null,
      cancelWindowMs: 5_000,
      expiresAtMs: Date.now() + PLAN_LIVES_MS,
      cannotArchive: null,
    } satisfies OperationPlan,
  }));
  const start = vi.fn(async () => ({ ok: true as const, value: { id: 'op' } as Operation }));
  const onStarted = vi.fn();
  const dialog = (
    <CommandDialog
      request={{ sandboxes: FLEET, retry: null }}
      onClose={() => {}}
      plan={plan}
      start={start}
      onStarted={onStarted}
    />
  );
  return { dialog, plan, start, onStarted };
}

const command = page.getByRole('textbox', { name: 'Command' });

it('shows in how many sandboxes of which groups it runs, and which are skipped', async () => {
  const { dialog } = setUp();
  await render(dialog);
  const shown = page.getByRole('dialog', { name: 'Run a command in 14 sandboxes' });
  await expect.element(shown).toHaveTextContent('14 will run it');
  await expect.element(shown).toHaveTextContent('development 11 production 3');
  await expect.element(shown).toHaveTextContent('1 will be skipped');
  await expect.element(shown).toHaveTextContent('1 paused');
  await expect.element(shown).toHaveTextContent('A countdown follows');
});

it('does not start by Enter in any field, but by Ctrl+Enter', async () => {
  const { dialog, plan, start, onStarted } = setUp();
  await render(dialog);
  await command.fill('reboot');
  for (const name of ['Command', 'Working directory', 'Reason']) {
    await page.getByRole('textbox', { name }).click();
    await userEvent.keyboard('{Enter}{Shift>}{Enter}{/Shift}');
  }
  expect(plan).not.toHaveBeenCalled();
  await command.fill('reboot');
  await userEvent.keyboard('{Control>}{Enter}{/Control}');
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalledTimes(1));
  expect(plan).toHaveBeenCalledWith(
    FLEET.map(({ key }) => key),
    { command: 'reboot', limitMs: 60_000 },
  );
  expect(start).toHaveBeenCalledWith('token', '');
});

it('confirms again if other sandboxes would run it now', async () => {
  const { dialog, start } = setUp(FLEET.slice(1));
  await render(dialog);
  await command.fill('reboot');
  await page.getByRole('button', { name: 'Run in 14 sandboxes' }).click();
  await expect.element(page.getByRole('alert')).toHaveTextContent('in 13 instead of 14. Confirm again.');
  expect(start).not.toHaveBeenCalled();
  await page.getByRole('button', { name: 'Run in 13 sandboxes' }).click();
  await vi.waitFor(() => expect(start).toHaveBeenCalled());
});
