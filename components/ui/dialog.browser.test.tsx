import { useState } from 'react';
import { Toaster, toast } from 'sonner';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Button } from './button';
import { ConfirmDialog, Dialog } from './dialog';
import { FOCUS_HOME } from './focus-home';

type Props = {
  tone?: 'plain' | 'danger';
  /** The opener disappears with the confirmation, like the toolbar of a selection. */
  vanishes?: boolean;
  hasHome?: boolean;
  kind?: typeof Dialog;
};

function Opened({ tone = 'plain', vanishes = false, hasHome = true, kind: Kind = ConfirmDialog }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const [isDone, setIsDone] = useState(false);
  return (
    <main>
      {hasHome ? (
        <button {...FOCUS_HOME} type="button">
          Rows
        </button>
      ) : null}
      {isDone && vanishes ? null : (
        <Button tone={tone} onClick={() => setIsOpen(true)}>
          Kill 3…
        </Button>
      )}
      <Kind
        open={isOpen}
        onOpenChange={setIsOpen}
        title="Kill 3 sandboxes"
        footer={
          <Button
            onClick={() => {
              setIsDone(true);
              setIsOpen(false);
            }}
          >
            Confirm
          </Button>
        }
      />
    </main>
  );
}

const opener = page.getByRole('button', { name: 'Kill 3…' });
const home = page.getByRole('button', { name: 'Rows' });

async function confirm() {
  await opener.click();
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect.element(page.getByText('Kill 3 sandboxes')).not.toBeInTheDocument();
}

it('returns the focus to the button that opened it', async () => {
  await render(<Opened />);
  await confirm();
  await expect.element(opener).toHaveFocus();
  await opener.click();
  await userEvent.keyboard('{Escape}');
  await expect.element(opener).toHaveFocus();
});

it.each([['confirmation', ConfirmDialog] as const, ['dialog', Dialog] as const])(
  'never returns the focus of a %s to a red button',
  async (_, kind) => {
    await render(<Opened tone="danger" kind={kind} />);
    await confirm();
    await expect.element(home).toHaveFocus();
    await opener.click();
    await userEvent.keyboard('{Escape}');
    await expect.element(home).toHaveFocus();
  },
);

it('moves the focus to the home of the page if the button is gone', async () => {
  await render(<Opened vanishes />);
  await confirm();
  await expect.element(home).toHaveFocus();
});

it('moves the focus to the main part of a page without a home', async () => {
  await render(<Opened vanishes hasHome={false} />);
  await confirm();
  await expect.element(page.getByRole('main')).toHaveFocus();
});

it.each([
  [1280, 'md'],
  [1280, 'lg'],
  [390, 'md'],
  [390, 'lg'],
] as const)('is not covered by a toast at %i px in size %s', async (width, size) => {
  await page.viewport(width, 720);
  await render(
    <>
      <Toaster position="bottom-right" />
      <Dialog
        open
        onOpenChange={() => {}}
        size={size}
        title="Kill 3 sandboxes"
        footer={<Button>Kill 3</Button>}
      >
        <div style={{ height: 900, flexShrink: 0 }} />
      </Dialog>
    </>,
  );
  const id = toast.message('Paused 3 sandboxes', { description: 'They keep their files.', duration: 60_000 });
  const boxOf = (selector: string) =>
    document.querySelector(selector)?.getBoundingClientRect() ?? new DOMRect(0, 9_999);
  // It moves in from below.
  await expect.poll(() => boxOf('[data-sonner-toast][data-mounted=true]').bottom).toBeLessThan(720);
  const [shown, dialog] = [boxOf('[data-sonner-toast]'), boxOf('[role=dialog]')];
  if (width === 1280) expect(shown.left).toBeGreaterThanOrEqual(dialog.right);
  else {
    const [x, y] = [(shown.left + shown.right) / 2, Math.min(shown.bottom, dialog.bottom) - 2];
    if (y > shown.top) expect(document.elementFromPoint(x, y)?.closest('[role=dialog]')).not.toBeNull();
  }
  toast.dismiss(id);
  await page.viewport(1280, 720);
});
