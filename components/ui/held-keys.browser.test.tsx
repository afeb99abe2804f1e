import { useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { loadWhenWanted } from '@/components/ui/lazy';

type Props = { isOpen: boolean; hasField: boolean; onClose: () => void };

function Asking({ isOpen, hasField, onClose }: Props) {
  return (
    <ConfirmDialog
      open={isOpen}
      onOpenChange={(open) => open || onClose()}
      title="Really?"
      footer={<Button onClick={onClose}>Yes</Button>}
    >
      {hasField ? <input aria-label="Name" /> : null}
    </ConfirmDialog>
  );
}

/** A page whose dialog is loaded when the test says so. */
async function openPage(hasField: boolean) {
  let load = () => {};
  const loaded = new Promise<typeof Asking>((resolve) => {
    load = () => resolve(Asking);
  });
  const Dialog = loadWhenWanted(
    () => loaded,
    ({ isOpen }: Props) => isOpen,
    { holdsKeys: true },
  );
  let pressed = 0;
  function Page() {
    const [isOpen, setIsOpen] = useState(false);
    return (
      <>
        <input
          aria-label="Filter"
          onKeyDown={({ key }) => {
            if (key === 'F2') setIsOpen(true);
            else pressed += 1;
          }}
        />
        <output>{isOpen ? 'wanted' : 'unwanted'}</output>
        <Dialog isOpen={isOpen} hasField={hasField} onClose={() => setIsOpen(false)} />
      </>
    );
  }
  await render(<Page />);
  const filter = page.getByRole('textbox', { name: 'Filter' });
  await filter.click();
  await userEvent.keyboard('{F2}');
  await expect.element(page.getByText('wanted', { exact: true })).toBeInTheDocument();
  return { filter, load, pressed: () => pressed };
}

const dialog = page.getByRole('alertdialog', { name: 'Really?' });

it('gives text typed while a dialog loads to its field, and to nothing else', async () => {
  const { filter, load, pressed } = await openPage(true);
  await userEvent.keyboard('new-x{Backspace}name');
  await expect.element(filter).toHaveValue('');
  load();
  await expect.element(dialog.getByRole('textbox', { name: 'Name' })).toHaveValue('new-name');
  await userEvent.keyboard('!');
  await expect.element(dialog.getByRole('textbox', { name: 'Name' })).toHaveValue('new-name!');
  await userEvent.keyboard('{Escape}');
  await expect.element(filter).toHaveValue('');
  expect(pressed()).toBe(0);
});

it('confirms nothing with keys pressed before the dialog was there', async () => {
  const { load, pressed } = await openPage(false);
  await userEvent.keyboard('{Enter} {Enter}{Delete}');
  load();
  await expect.element(dialog.getByRole('button', { name: 'Yes' })).toHaveFocus();
  expect(pressed()).toBe(0);
  await userEvent.keyboard('{Enter}');
  await expect.element(dialog).not.toBeInTheDocument();
});

it('gives the keys back after Escape', async () => {
  const { filter, pressed } = await openPage(true);
  await userEvent.keyboard('a{Escape}');
  await expect.element(page.getByText('unwanted', { exact: true })).toBeInTheDocument();
  await userEvent.keyboard('b');
  await expect.element(filter).toHaveValue('b');
  expect(pressed()).toBe(1);
});
