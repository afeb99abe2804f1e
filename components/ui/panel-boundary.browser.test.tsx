import { useState } from 'react';
import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { PanelBoundary } from './panel-boundary';

const NOTHING = () => {};

/** A panel whose elements something else has taken apart until `isFixed`. */
function Panel({ isFixed }: { isFixed: () => boolean }) {
  const [count, setCount] = useState(0);
  if (count === 1 && !isFixed()) throw new Error("Failed to execute 'removeChild' on 'Node'");
  return (
    <button type="button" onClick={() => setCount(count + 1)}>
      Clicked {count} times
    </button>
  );
}

it('keeps the other panels when one fails, and draws it anew on Retry', async () => {
  vi.spyOn(console, 'error').mockImplementation(NOTHING);
  let isFixed = false;
  await render(
    <>
      <PanelBoundary what="list of sandboxes">
        <Panel isFixed={() => isFixed} />
      </PanelBoundary>
      <PanelBoundary what="operations in progress">
        <input aria-label="Reason" />
      </PanelBoundary>
    </>,
  );
  await page.getByLabelText('Reason').fill('typed');
  await page.getByRole('button', { name: 'Clicked 0 times' }).click();
  await expect
    .element(page.getByRole('alert'))
    .toHaveTextContent('The list of sandboxes could not be shown.');
  await expect.element(page.getByLabelText('Reason')).toHaveValue('typed');
  isFixed = true;
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Clicked 0 times' }).click();
  await expect.element(page.getByRole('button', { name: 'Clicked 1 times' })).toBeVisible();
  await expect.element(page.getByRole('alert')).not.toBeInTheDocument();
});

it('offers to reload the page when its code cannot be loaded', async () => {
  vi.spyOn(console, 'error').mockImplementation(NOTHING);
  function Missing(): never {
    throw new Error('Failed to load chunk /_next/static/chunks/gone.js');
  }
  await render(
    <PanelBoundary what="file">
      <Missing />
    </PanelBoundary>,
  );
  await expect.element(page.getByRole('alert')).toHaveTextContent('Part of this page could not be loaded.');
  await expect.element(page.getByRole('button', { name: 'Reload page' })).toBeVisible();
});
