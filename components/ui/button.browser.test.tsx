import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Button, IconButton } from './button';

const REASON = 'Requires the admin role.';
/** Otherwise a click waits for the button to be enabled. */
const ALTHOUGH_UNAVAILABLE = { force: true };

async function renderButton(props: Partial<Parameters<typeof Button>[0]> = {}) {
  const onClick = vi.fn();
  const onSubmit = vi.fn((event: Event) => event.preventDefault());
  await render(
    <form onSubmit={({ nativeEvent }) => onSubmit(nativeEvent)}>
      <button type="button">Before</button>
      <Button type="submit" onClick={onClick} {...props}>
        Kill
      </Button>
    </form>,
  );
  return { button: page.getByRole('button', { name: 'Kill' }), onClick, onSubmit };
}

it('activates by pointer and keyboard', async () => {
  const { button, onClick, onSubmit } = await renderButton();
  await button.click();
  button.element().focus();
  await userEvent.keyboard('{Enter}');
  await userEvent.keyboard(' ');
  expect(onClick).toHaveBeenCalledTimes(3);
  expect(onSubmit).toHaveBeenCalledTimes(3);
});

it('does not submit a form unless told to', async () => {
  const { button, onClick, onSubmit } = await renderButton({ type: undefined });
  await button.click();
  expect(onClick).toHaveBeenCalledOnce();
  expect(onSubmit).not.toHaveBeenCalled();
});

it('is reachable by keyboard while unavailable, and shows and announces the reason', async () => {
  const { button, onClick, onSubmit } = await renderButton({ unavailable: REASON });
  await expect.element(button).toHaveAttribute('aria-disabled', 'true');
  await expect.element(button).toHaveAccessibleName('Kill');
  await expect.element(button).toHaveAccessibleDescription(REASON);
  await userEvent.tab();
  await userEvent.tab();
  await expect.element(button).toHaveFocus();
  await expect.element(page.getByRole('tooltip')).toHaveTextContent(REASON);
  await userEvent.keyboard('{Enter}');
  expect(onClick).not.toHaveBeenCalled();
  expect(onSubmit).not.toHaveBeenCalled();
  await userEvent.keyboard('{Escape}');
  await expect.element(page.getByRole('tooltip')).not.toBeInTheDocument();
});

it('shows the reason on hover and on a press, and hides it when the pointer leaves', async () => {
  const { button, onClick } = await renderButton({ unavailable: REASON });
  await button.hover();
  await expect.element(page.getByRole('tooltip')).toHaveTextContent(REASON);
  await button.unhover();
  await expect.element(page.getByRole('tooltip')).not.toBeInTheDocument();
  await button.click(ALTHOUGH_UNAVAILABLE);
  await expect.element(page.getByRole('tooltip')).toHaveTextContent(REASON);
  expect(onClick).not.toHaveBeenCalled();
});

it('keeps the description of its caller beside the reason', async () => {
  await render(
    <>
      <span id="hint">Ends its processes.</span>
      <Button unavailable={REASON} aria-describedby="hint">
        Kill
      </Button>
    </>,
  );
  await expect.element(page.getByRole('button')).toHaveAccessibleDescription(`Ends its processes. ${REASON}`);
});

it('does nothing while busy', async () => {
  const { button, onClick, onSubmit } = await renderButton({ isBusy: true });
  await expect.element(button).toHaveAttribute('aria-disabled', 'true');
  await button.click(ALTHOUGH_UNAVAILABLE);
  expect(onClick).not.toHaveBeenCalled();
  expect(onSubmit).not.toHaveBeenCalled();
});

it('names an icon button by its label, and hides its title while unavailable', async () => {
  const { rerender } = await render(<IconButton label="Close">×</IconButton>);
  const button = page.getByRole('button', { name: 'Close' });
  await expect.element(button).toHaveAttribute('title', 'Close');
  await rerender(
    <IconButton label="Close" unavailable={REASON}>
      ×
    </IconButton>,
  );
  await expect.element(button).not.toHaveAttribute('title');
  await expect.element(button).toHaveAccessibleDescription(REASON);
});
