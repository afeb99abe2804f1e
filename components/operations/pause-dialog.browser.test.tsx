import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { rowWith } from '@/lib/fleet/test-fleet';
import { CAPABILITY_FACTS, type Lacking } from '@/lib/sandbox/capabilities';
import type { Sandbox } from '@/lib/sandbox/schema';
import { keyOf } from '@/lib/sandbox-key';
import { PauseDialog } from './pause-dialog';

const LACKING = new Map<string, Lacking>([['eu', { keepsMemory: CAPABILITY_FACTS.keepsMemory.lacking }]]);
const dialog = page.getByRole('alertdialog');
const sandboxIn = (name: string, id: string): Sandbox => ({
  ...rowWith({ id }).sandbox,
  key: keyOf(name, id),
});

it('says that a pause ends processes, and pauses only when told so', async () => {
  const one = [sandboxIn('eu', 'a1')];
  const chosen: (readonly Sandbox[])[] = [];
  await render(
    <PauseDialog sandboxes={one} lacking={LACKING} onClose={() => {}} onChoose={(all) => chosen.push(all)} />,
  );
  await expect
    .element(dialog)
    .toHaveTextContent('keeps the files of a paused sandbox, but not its processes');
  // The focus is on Cancel, so Enter pauses nothing.
  await expect.element(dialog.getByRole('button', { name: 'Cancel' })).toHaveFocus();
  await userEvent.keyboard('{Enter}');
  expect(chosen).toEqual([]);
  await dialog.getByRole('button', { name: 'Pause and end its processes' }).click();
  expect(chosen).toEqual([one]);
});

it('says how many of several lose their processes', async () => {
  const several = [sandboxIn('prod', 'a1'), sandboxIn('eu', 'b1'), sandboxIn('eu', 'b2')];
  await render(<PauseDialog sandboxes={several} lacking={LACKING} onClose={() => {}} onChoose={() => {}} />);
  await expect.element(dialog).toHaveTextContent('2 of 3 lose their processes');
});
