import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Dialog } from '@/components/ui/dialog';
import { mixedFleet } from '@/lib/fleet/test-fleet';
import { blastRadius } from '@/lib/operations/plan/blast-radius';
import { KillReason } from './kill-options';
import { PlanList } from './plan-list';
import { PlanRadius } from './plan-radius';

const ROW_PX = 30;
/** Two lines. */
const PHONE_ROW_PX = 50;

async function shown(count: number, width: number, height: number) {
  await page.viewport(width, height);
  const sandboxes = mixedFleet(count).map(({ sandbox }) => sandbox);
  const radius = blastRadius(sandboxes, { keys: 3, values: 4 });
  await render(
    <Dialog open onOpenChange={() => {}} title="Kill" size="lg" footer={<button type="button">Kill</button>}>
      <PlanRadius act="kill" radius={radius} verdict="will be killed" skipped={[]} />
      <KillReason reason="" onReason={() => {}} isLocked={false} windowMs={5_000} />
      <PlanList sandboxes={sandboxes} label="Sandboxes" keys={radius.distinguishing} />
    </Dialog>,
  );
  const list = page.getByRole('region', { name: 'Sandboxes' });
  await expect.element(list).toBeVisible();
  // The dialog grows while it opens.
  await Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {})));
  const reason = page.getByRole('textbox', { name: 'Reason' }).element().getBoundingClientRect();
  const body = list.element().parentElement ?? document.body;
  return { list: list.element(), reason, body };
}

it('gives the list the height that the dialog has, and nothing else scrolls', async () => {
  const { list, reason, body } = await shown(300, 1280, 1000);
  expect(list.clientHeight).toBeGreaterThan(8 * ROW_PX);
  expect(list.scrollHeight).toBe(300 * ROW_PX);
  expect(body.scrollHeight).toBeLessThanOrEqual(body.clientHeight);
  expect(reason.bottom).toBeLessThan(list.getBoundingClientRect().top);
});

it('shows a short list whole', async () => {
  const { list } = await shown(3, 1280, 1000);
  expect(list.clientHeight).toBe(3 * ROW_PX);
});

it('keeps four rows in a low window, where the dialog scrolls, with the reason above them', async () => {
  const { list, reason } = await shown(300, 390, 600);
  expect(list.clientHeight).toBe(4 * PHONE_ROW_PX);
  expect(list.scrollHeight).toBe(300 * PHONE_ROW_PX);
  expect(reason.bottom).toBeLessThan(list.getBoundingClientRect().top);
});

it('gives the metadata a line of its own where it has no room beside the id', async () => {
  for (const [width, minPx] of [
    [390, 240],
    [1280, 150],
  ] as const) {
    const { list } = await shown(3, width, 800);
    const [id, metadata] = list.querySelectorAll('li:first-child > .font-mono');
    expect(metadata?.getBoundingClientRect().width).toBeGreaterThan(minPx);
    expect(id?.scrollWidth).toBeLessThanOrEqual(id?.clientWidth ?? 0);
  }
});
