import { expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { acceptComposition, composeText, pressComposingKey } from '@/e2e/support/compose';
import { SearchPanel } from './search-panel';

it('stays open on Escape while an input method is composing', async () => {
  const onClose = vi.fn();
  await render(
    <SearchPanel
      isOpen
      sandboxKey="local/sandbox"
      folder="/"
      shownPath={null}
      onShow={() => {}}
      onClose={onClose}
    />,
  );
  const input = page.getByLabelText('Part of a name');
  await input.click();
  await composeText('ni');
  await pressComposingKey('Escape');
  await pressComposingKey('Enter');
  expect(onClose).not.toHaveBeenCalled();
  await acceptComposition('你');
  await expect.element(input).toHaveValue('你');
  await userEvent.keyboard('{Escape}');
  expect(onClose).toHaveBeenCalledOnce();
});
