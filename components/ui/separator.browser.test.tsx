import { useState } from 'react';
import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import { Separator } from './separator';

function Parts({ isStacked = false }: { isStacked?: boolean }) {
  const [px, setPx] = useState<number | null>(null);
  const size = px === null ? '50%' : `${px}px`;
  return (
    <div style={{ display: 'flex', flexDirection: isStacked ? 'column' : 'row', width: 400, height: 400 }}>
      <div data-testid="first" style={{ flex: `0 0 ${size}` }} />
      <Separator label="Width" minPx={[100, 80]} isDefault={px === null} onMove={setPx} />
      <div style={{ flex: 1 }} />
    </div>
  );
}

const line = page.getByRole('separator', { name: 'Width' });
const sizeOf = (side: 'width' | 'height') =>
  page.getByTestId('first').element().getBoundingClientRect()[side];

it('moves by keys within the smallest sizes and says where it is', async () => {
  await render(<Parts />);
  await expect.element(line).toHaveAttribute('aria-valuenow', '50');
  await expect.element(line).toHaveAttribute('aria-orientation', 'vertical');
  line.element().focus();
  await userEvent.keyboard('{ArrowLeft}');
  expect(sizeOf('width')).toBe(176);
  await expect.element(line).toHaveAttribute('aria-valuenow', '44');
  await userEvent.keyboard('{Home}');
  expect(sizeOf('width')).toBe(100);
  await userEvent.keyboard('{End}');
  expect(sizeOf('width')).toBe(320);
  await userEvent.keyboard('{Escape}');
  expect(sizeOf('width')).toBe(200);
  await userEvent.keyboard('{ArrowRight}{Enter}');
  expect(sizeOf('width')).toBe(200);
  await userEvent.keyboard('{ArrowRight}');
  line.element().blur();
  line.element().focus();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}{Escape}');
  expect(sizeOf('width')).toBe(224);
  await userEvent.dblClick(line);
  expect(sizeOf('width')).toBe(200);
});

it('moves by a drag along the direction of the parts', async () => {
  await render(<Parts isStacked />);
  await expect.element(line).toHaveAttribute('aria-orientation', 'horizontal');
  const at = line.element().getBoundingClientRect();
  const drag = (type: string, clientY: number) =>
    line
      .element()
      .dispatchEvent(
        new PointerEvent(type, { bubbles: true, button: 0, pointerId: 1, clientX: at.x, clientY }),
      );
  // A synthetic pointer cannot be captured.
  line.element().setPointerCapture = () => {};
  drag('pointerdown', at.y);
  drag('pointermove', at.y + 60);
  await expect.poll(() => sizeOf('height')).toBe(260);
  drag('pointermove', at.y + 900);
  await expect.poll(() => sizeOf('height')).toBe(320);
  await userEvent.keyboard('{Escape}');
  await expect.poll(() => sizeOf('height')).toBe(200);
  drag('pointermove', at.y + 60);
  expect(sizeOf('height')).toBe(200);
});
