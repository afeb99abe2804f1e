import { useRef, useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Button } from './button';
import { Dialog } from './dialog';
import { FinalFocus } from './focus-home';
import { Menu } from './menu';

function Place() {
  const input = useRef<HTMLInputElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <FinalFocus value={() => input.current}>
      <input ref={input} aria-label="Terminal" />
      <Button onClick={() => setIsOpen(true)}>Rename</Button>
      <Button onClick={({ currentTarget }) => setAnchor(currentTarget)}>More</Button>
      <Menu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={[{ label: 'Clear', onActivate: () => setAnchor(null) }]}
      />
      <Dialog open={isOpen} onOpenChange={setIsOpen} title="Rename console" footer={null} />
    </FinalFocus>
  );
}

it('gets the focus after a dialog and after a choice from a menu', async () => {
  await render(<Place />);
  const terminal = page.getByRole('textbox', { name: 'Terminal' });
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect.element(page.getByRole('dialog')).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await expect.element(terminal).toHaveFocus();
  const more = page.getByRole('button', { name: 'More' });
  await more.click();
  await page.getByRole('menuitem', { name: 'Clear' }).click();
  await expect.element(terminal).toHaveFocus();
  // A menu that is left without a choice returns the focus to its button.
  await more.click();
  await expect.element(page.getByRole('menuitem', { name: 'Clear' })).toBeVisible();
  await userEvent.keyboard('{Escape}');
  await expect.element(more).toHaveFocus();
});
