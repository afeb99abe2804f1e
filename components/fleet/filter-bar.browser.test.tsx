import { useRef, useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { acceptComposition, composeText, pressComposingKey } from '@/e2e/support/compose';
import { countFacets, type FacetCounts } from '@/lib/fleet/filter/facets';
import { mixedFleet } from '@/lib/fleet/test-fleet';
import { FilterBar, FilterErrorLine } from './filter-bar';

const IDS = ['i9h51p1tj7sbhswri0lhh', 'i7kh0tl11tyw3inzzbyqq'];

function Bar({
  initial = 'state:running ',
  counts = countFacets([]),
}: {
  initial?: string;
  counts?: FacetCounts;
}) {
  const [text, setText] = useState(initial);
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <FilterBar
        text={text}
        onChange={setText}
        error={null}
        counts={counts}
        isKnown={(id) => IDS.includes(id)}
        widen={(text) => text}
        listSlot={slot}
        inputRef={input}
      >
        0
      </FilterBar>
      <div ref={setSlot} className="flex h-6" />
      <button type="button">Head</button>
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

async function paste(text: string) {
  await input.click();
  const clipboardData = new DataTransfer();
  clipboardData.setData('text', text);
  const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
  input.element().dispatchEvent(event);
  return event.defaultPrevented;
}

it('turns pasted ids into one term, and leaves other text to the input', async () => {
  await render(<Bar />);
  expect(await paste(IDS.join('\n'))).toBe(true);
  await expect.element(filter).toHaveTextContent(`state:running id:${IDS.join(',')}`);
  await expect.element(page.getByRole('button', { name: /^Remove id:/ })).toBeVisible();
  expect(await paste('environment=production')).toBe(false);
  expect(await paste(Array.from({ length: 500 }, (_, at) => `i0000000000000000${at}`).join('\n'))).toBe(true);
  expect(filter.element().textContent).toBe(`state:running id:${IDS.join(',')} `);
});

it('selects all terms, to copy, replace or delete them', async () => {
  await render(<Bar initial="state:running owner=ana a" />);
  await input.click();
  await userEvent.keyboard('{Control>}a{/Control}');
  const event = new ClipboardEvent('copy', { bubbles: true, clipboardData: new DataTransfer() });
  input.element().dispatchEvent(event);
  expect(event.clipboardData?.getData('text/plain')).toBe('state:running owner=ana a');
  await userEvent.keyboard('p');
  await expect.poll(() => filter.element().textContent).toBe('p');
  await userEvent.keyboard('age>1d {Control>}a{/Control}{Backspace}');
  await expect.poll(() => filter.element().textContent).toBe('');
  // A move of the caret ends the selection.
  await userEvent.keyboard('age>1d x{Control>}a{/Control}{ArrowRight}y');
  await expect.poll(() => filter.element().textContent).toBe('age>1d xy');
});

it('gives the suggestions the room of the error while a term is being typed', async () => {
  const error = { message: 'owner= needs a value.', from: 0, to: 6 };
  const { rerender } = await render(
    <div className="group/line">
      <FilterErrorLine error={error} text="owner=" isWrong={false} />
      <div role="listbox" aria-label="Suggestions" tabIndex={-1} />
    </div>,
  );
  const line = page.getByRole('alert');
  await expect.element(line.getByText('does not filter yet')).toBeVisible();
  await expect.element(line.getByText('needs a value')).not.toBeVisible();
  await rerender(
    <div className="group/line">
      <FilterErrorLine error={error} text="owner=" isWrong />
      <div role="listbox" aria-label="Suggestions" tabIndex={-1} />
    </div>,
  );
  await expect.element(line.getByText('needs a value')).toBeVisible();
});

it('takes the highlighted suggestion with Enter and with Tab, whatever highlights it', async () => {
  await render(<Bar initial="" counts={countFacets(mixedFleet(60))} />);
  for (const key of ['{Enter}', '{Tab}']) {
    await input.fill('environment=');
    await userEvent.keyboard('{ArrowDown}');
    const highlighted = page.getByRole('option', { selected: true });
    await expect.element(highlighted).toHaveTextContent(/^environment=/);
    const [label = ''] = (highlighted.element().textContent ?? '').split(/(?<=[a-z])\d/);
    await userEvent.keyboard(key);
    await expect.element(page.getByRole('button', { name: `Remove ${label}` })).toBeVisible();
    await expect.element(input).toHaveFocus();
    await page.getByRole('button', { name: 'Clear filter' }).click();
  }
  await input.fill('environment=');
  await page.getByRole('option', { name: 'environment=staging' }).hover();
  await expect.element(page.getByRole('option', { selected: true })).toHaveTextContent('environment=staging');
  await userEvent.keyboard('{Enter}');
  await expect.element(page.getByRole('button', { name: 'Remove environment=staging' })).toBeVisible();
});

it('completes what is typed with Tab, and leaves an empty input with Tab', async () => {
  await render(<Bar initial="" counts={countFacets(mixedFleet(60))} />);
  await input.fill('env');
  await userEvent.keyboard('{Tab}');
  await expect.element(input).toHaveValue('environment=');
  await expect.element(input).toHaveFocus();
  await input.fill('');
  await userEvent.keyboard('{Tab}');
  await expect.element(page.getByRole('button', { name: 'Head' })).toHaveFocus();
});

it('covers nothing with its suggestions', async () => {
  await render(<Bar initial="" counts={countFacets(mixedFleet(60))} />);
  const head = page.getByRole('button', { name: 'Head' }).element();
  const before = head.getBoundingClientRect();
  await input.click();
  const list = page.getByRole('listbox').element().getBoundingClientRect();
  expect(list.height).toBeGreaterThan(0);
  expect(list.bottom).toBeLessThanOrEqual(before.top);
  expect(head.getBoundingClientRect().top).toBe(before.top);
});
