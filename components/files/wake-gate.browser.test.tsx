import { expect, test } from 'vitest';
import { page } from 'vitest/browser';
import { expectAccessible } from '@/e2e/support/served/accessible';
import { openPage } from '@/e2e/support/served/page';
import { Box, moru } from '@/e2e/support/served/sandboxes';

const main = page.getByRole('main');
const wakeButton = page.getByRole('button', { name: 'Wake sandbox' });
const banner = page.getByRole('region', { name: 'Wake' });

async function openPaused(role: 'viewer' | 'operator'): Promise<Box> {
  const box = await Box.create();
  await moru.pause(box.id);
  await openPage(box.page('files'), { role });
  return box;
}

function secondsShown(): number {
  const text = banner.getByRole('timer').element().textContent ?? '';
  const [minutes = 0, seconds = 0] = text.split(':').map(Number);
  return minutes * 60 + seconds;
}

async function secondsLeft({ id }: Box): Promise<number> {
  const { endAt } = (await moru.find(id)) ?? {};
  return (endAt === undefined ? 0 : new Date(endAt).getTime() - Date.now()) / 1_000;
}

test('explains the effects and wakes the sandbox for the chosen time with a pausing timeout', async () => {
  const box = await openPaused('operator');
  await expect
    .element(page.getByRole('heading', { name: 'Wake the sandbox to read its files' }))
    .toBeVisible();
  for (const effect of [
    'Its processes continue',
    'It counts toward your limit',
    'Its timeout will pause it instead of killing it',
  ])
    await expect.element(main).toHaveTextContent(effect);
  await expectAccessible('the gate');
  expect(await moru.stateOf(box.id)).toBe('paused');
  await expect.element(page.getByRole('radio', { name: '15 min' })).toBeChecked();
  await page.getByText('5 min', { exact: true }).click();
  await wakeButton.click();
  await expect.element(banner).toHaveTextContent('Awake, pauses again in');
  await expect.element(banner).toHaveTextContent('Its processes are running. Only you are viewing.');
  expect(await secondsLeft(box)).toBeLessThan(300);
  expect(Math.abs(secondsShown() - (await secondsLeft(box)))).toBeLessThan(4);
  await expectAccessible('the banner');
  await banner.getByRole('button', { name: 'Extend by 15 minutes' }).click();
  await expect.poll(secondsShown).toBeGreaterThan(18 * 60);
  expect(Math.abs(secondsShown() - (await secondsLeft(box)))).toBeLessThan(4);
  for (const tab of ['Console', 'Run', 'Processes', 'Overview']) {
    await page.getByRole('navigation', { name: 'This sandbox' }).getByRole('link', { name: tab }).click();
    await expect
      .poll(() => window.location.pathname)
      .toMatch(new RegExp(`${box.id}(/${tab.toLowerCase()}.*)?$`));
    // The list of viewers comes from the server: it counts each tab, and does not pause under the shell.
    await expect.element(banner).toHaveTextContent('Only you are viewing.');
  }
  // It was created with a timeout that kills.
  await moru.ask('POST', `/sandboxes/${box.id}/timeout`, { timeout: 0 });
  await expect.poll(() => moru.stateOf(box.id)).toBe('paused');
});

test('is unavailable to a viewer, with the required role', async () => {
  await openPaused('viewer');
  await expect.element(wakeButton).toHaveAttribute('aria-disabled', 'true');
  await expect
    .element(wakeButton)
    .toHaveAccessibleDescription('Requires the operator role. You are signed in as viewer.');
});
