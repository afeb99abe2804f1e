import { useState } from 'react';
import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Button } from './button';
import { Dialog } from './dialog';
import { FocusGuard } from './focus-guard';

function Vanishing({ name }: { name: string }) {
  const [isGone, setIsGone] = useState(false);
  if (isGone) return null;
  return <button type="button" onClick={() => setIsGone(true)}>{`Remove ${name}`}</button>;
}

function Disabling() {
  const [isOff, setIsOff] = useState(false);
  return (
    <button type="button" disabled={isOff} onClick={() => setIsOff(true)}>
      Disable
    </button>
  );
}

function Hiding() {
  const [isHidden, setIsHidden] = useState(false);
  return (
    <button
      type="button"
      style={{ display: isHidden ? 'none' : undefined }}
      onClick={() => setIsHidden(true)}
    >
      Hide
    </button>
  );
}

function Place() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <main>
      <FocusGuard />
      <Vanishing name="page part" />
      <Disabling />
      <Hiding />
      <Button onClick={() => setIsOpen(true)}>Open</Button>
      <Dialog open={isOpen} onOpenChange={setIsOpen} title="Views" footer={null}>
        <Vanishing name="view" />
      </Dialog>
    </main>
  );
}

it('goes to the page when the element that has the focus is removed, disabled or hidden', async () => {
  await render(<Place />);
  await page.getByRole('button', { name: 'Remove page part' }).click();
  await expect.element(page.getByRole('main')).toHaveFocus();
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect.element(page.getByRole('button', { name: 'Disable' })).toBeDisabled();
  await expect.element(page.getByRole('main')).toHaveFocus();
  await page.getByRole('button', { name: 'Hide' }).click();
  await expect.element(page.getByRole('main')).toHaveFocus();
});

it('stays in the dialog whose element is removed', async () => {
  await render(<Place />);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('button', { name: 'Remove view' }).click();
  await expect.element(page.getByRole('dialog', { name: 'Views' })).toHaveFocus();
});
