import { useState } from 'react';
import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { DEFAULT_SORT } from '@/lib/fleet/view';
import { fleetColumn, gridOf } from './columns';
import { FleetHeader } from './fleet-header';

function Head() {
  const [px, setPx] = useState<number | null>(null);
  const columns = ['id', 'template'].flatMap((id) => {
    const column = fleetColumn(id);
    return column ? [{ ...column, id, widthPx: id === 'template' && px !== null ? px : column.widthPx }] : [];
  });
  return (
    <div role="grid">
      <FleetHeader
        columns={columns}
        {...gridOf(columns)}
        sort={DEFAULT_SORT}
        onSort={() => {}}
        onResize={(id, width) => id === 'template' && setPx(width)}
        selected="none"
        onSelect={null}
      />
    </div>
  );
}

it('resizes a column by dragging its edge, and fits it again with a double click', async () => {
  await render(<Head />);
  const cell = page.getByRole('columnheader', { name: 'Template' }).element();
  const handle = cell.querySelector<HTMLElement>('[data-resize]');
  const widthPx = () => cell.getBoundingClientRect().width;
  const before = widthPx();
  const at = (type: string, clientX: number) =>
    handle?.dispatchEvent(new PointerEvent(type, { clientX, bubbles: true, button: 0, pointerId: 1 }));
  // A made-up pointer cannot be captured.
  if (handle) handle.setPointerCapture = () => {};
  at('pointerdown', 300);
  at('pointermove', 360);
  await expect.poll(widthPx).toBe(before + 60);
  handle?.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  await expect.poll(widthPx).toBe(before);
});
