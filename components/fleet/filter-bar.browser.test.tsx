import { useRef, useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { acceptComposition, composeText, pressComposingKey } from '@/e2e/support/compose';
import { countFacets } from '@/lib/fleet/filter/facets';
import { FilterBar } from './filter-bar';

function Bar() {
  const [text, setText] = useState('state:running ');
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <FilterBar text={text} onChange={setText} error={null} counts={countFacets([])} inputRef={input}>
        0
      </FilterBar>
      <output>{text}</output>
    </>
  );
}

const input = page.getByLabelText('Filter sandboxes');
const filter = page.getByRole('status');

it('leaves the keys to an input method and filters by the word that it accepts', async () => {
  await render(<Bar />);
  await input.click();
  await composeText('wo');
  await composeText('wo de');
  await expect.element(input).toHaveValue('wo de');
  for (const key of ['Enter', 'Tab', 'Escape', 'ArrowDown', 'Backspace']) await pressComposingKey(key);
  await expect.element(input).toHaveValue('wo de');
  await expect.element(input).toHaveFocus();
  // Each of these keys would end the term, take the term before it back, or leave.
  expect(filter.element().textContent).toBe('state:running ');
  await acceptComposition('我的');
  await expect.element(input).toHaveValue('我的');
  expect(filter.element().textContent).toBe('state:running 我的');
  await userEvent.keyboard('{Enter}');
  await expect.element(page.getByRole('button', { name: 'Remove 我的' })).toBeVisible();
});
