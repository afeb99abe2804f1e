import { useState } from 'react';
import { beforeEach, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { render } from 'vitest-browser-react';
import type { Sort } from '@/lib/fleet/sort';
import { DEFAULT_SORT } from '@/lib/fleet/view';
import { moveColumn } from './column-choice';
import { fleetColumn, gridOf, type ShownColumn } from './columns';
import { drawColumns } from './fit-columns';
import { FleetHeader } from './fleet-header';

const WIDTH_PX = 900;

function Head() {
  const [ids, setIds] = useState<readonly string[]>(['id', 'template', 'metadata', 'age']);
  const [widths, setWidths] = useState<Record<string, number | null>>({});
  const [sort, setSort] = useState<Sort>(DEFAULT_SORT);
  const columns = ids.flatMap((id): ShownColumn[] => {
    const column = fleetColumn(id);
    const px = widths[id];
    if (column === null) return [];
    return [px == null ? { ...column, id } : { ...column, id, widthPx: px, grows: false, isChosen: true }];
  });
  return (
    <div
      role="grid"
      tabIndex={0}
      aria-label="Sandboxes"
      style={{ width: WIDTH_PX }}
      className="overflow-auto"
    >
      <FleetHeader
        columns={drawColumns(columns, WIDTH_PX, false)}
        {...gridOf(columns)}
        sort={sort}
        onSort={setSort}
        onResize={(id, px) => setWidths((now) => ({ ...now, [id]: px }))}
        onMove={(id, to) => setIds((now) => moveColumn(now, id, to))}
        selected="none"
        onSelect={null}
      />
      <output>{`${sort.key} ${sort.direction}`}</output>
    </div>
  );
}

const cell = (name: string) => page.getByRole('columnheader', { name, exact: true });
const edge = (name: string) => page.getByRole('separator', { name: `Width of ${name}` });
const title = (name: string) => cell(name).getByRole('button');
const widthOf = (name: string) => cell(name).element().getBoundingClientRect().width;
const order = () =>
  [...document.querySelectorAll('[data-column]')].map((element) => element.getAttribute('data-column'));

/** A pointer of the browser's input, so that captures and clicks are those of a person. */
function point(type: string, element: Element, clientX: number, pointerType = 'mouse') {
  const { top, height } = element.getBoundingClientRect();
  const init = { clientX, clientY: top + height / 2, bubbles: true, cancelable: true, button: 0 };
  element.dispatchEvent(new PointerEvent(type, { ...init, pointerId: 1, isPrimary: true, pointerType }));
}

function middleOf(name: string): number {
  const { left, width } = cell(name).element().getBoundingClientRect();
  return left + width / 2;
}

beforeEach(async () => {
  // A made-up pointer cannot be captured.
  HTMLElement.prototype.setPointerCapture = () => {};
  await render(<Head />);
});

it('resizes a column by dragging its edge, and fits it again with a double click', async () => {
  const handle = edge('Template').element();
  const before = widthOf('Template');
  point('pointerdown', handle, 300);
  point('pointermove', handle, 360);
  await expect.poll(() => widthOf('Template')).toBe(before + 60);
  point('pointerup', handle, 360);
  expect(order()).toEqual(['id', 'template', 'metadata', 'age']);
  await userEvent.dblClick(edge('Template'));
  await expect.poll(() => widthOf('Template')).toBe(before);
});

it('takes a drag of the edge back with Escape', async () => {
  const handle = edge('Template').element();
  const before = widthOf('Template');
  point('pointerdown', handle, 300);
  point('pointermove', handle, 360);
  await expect.poll(() => widthOf('Template')).toBe(before + 60);
  await userEvent.keyboard('{Escape}');
  await expect.poll(() => widthOf('Template')).toBe(before);
  point('pointermove', handle, 400);
  expect(widthOf('Template')).toBe(before);
});

it('narrows the column that takes the free width', async () => {
  const handle = edge('Metadata').element();
  const before = widthOf('Metadata');
  point('pointerdown', handle, 600);
  point('pointermove', handle, 500);
  await expect.poll(() => widthOf('Metadata')).toBe(before - 100);
  point('pointerup', handle, 500);
  point('pointermove', handle, 400);
  expect(widthOf('Metadata')).toBe(before - 100);
});

it('resizes a column with the keyboard, and says its width', async () => {
  const handle = edge('Template');
  handle.element().focus();
  await expect.element(handle).toHaveAttribute('aria-valuenow', '112');
  await userEvent.keyboard('{ArrowRight}{ArrowRight}{ArrowLeft}');
  expect(widthOf('Template')).toBe(120);
  await expect.element(handle).toHaveAttribute('aria-valuenow', '120');
  await expect.element(handle).toHaveAttribute('aria-valuetext', '120 pixels');
  await userEvent.keyboard('{Home}');
  expect(widthOf('Template')).toBe(48);
  await userEvent.keyboard('{End}');
  expect(widthOf('Template')).toBe(900);
  await userEvent.keyboard('{Escape}');
  expect(widthOf('Template')).toBe(112);
  await userEvent.keyboard('{ArrowRight}{Enter}');
  expect(widthOf('Template')).toBe(112);
});

it('moves a column by dragging its title, without sorting by it', async () => {
  for (const [pointerType, name, to, expected] of [
    ['mouse', 'Age', 'Sandbox', ['age', 'id', 'template', 'metadata']],
    ['touch', 'Sandbox', 'Metadata', ['age', 'template', 'id', 'metadata']],
  ] as const) {
    const target = title(name).element();
    // Past the middle of the other column, away from where it starts.
    const end = middleOf(to) + (pointerType === 'mouse' ? -30 : -10);
    point('pointerdown', target, middleOf(name), pointerType);
    point('pointermove', target, end, pointerType);
    await expect.poll(() => cell(name).element().style.transform).toMatch(/translateX/);
    point('pointerup', target, end, pointerType);
    target.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await expect.poll(order).toEqual(expected);
  }
  await expect.element(page.getByRole('status')).toHaveTextContent('age asc');
  await title('Template').click();
  await expect.element(page.getByRole('status')).toHaveTextContent('template asc');
});

it('leaves the columns as they are when a drag ends with Escape or the browser takes the pointer', async () => {
  const target = title('Age').element();
  for (const end of [() => userEvent.keyboard('{Escape}'), () => point('pointercancel', target, 100)]) {
    point('pointerdown', target, middleOf('Age'));
    point('pointermove', target, 100);
    await expect.poll(() => cell('Age').element().style.transform).toMatch(/translateX/);
    await end();
    await expect.poll(() => cell('Age').element().style.transform).toBe('');
    point('pointerup', target, 100);
    expect(order()).toEqual(['id', 'template', 'metadata', 'age']);
  }
});

it('moves a column with Alt and an arrow, and keeps the focus on it', async () => {
  title('Template').element().focus();
  await userEvent.keyboard('{Alt>}{ArrowLeft}{/Alt}');
  expect(order()).toEqual(['template', 'id', 'metadata', 'age']);
  await expect.element(title('Template')).toHaveFocus();
  await userEvent.keyboard('{Alt>}{ArrowLeft}{ArrowRight}{ArrowRight}{/Alt}');
  expect(order()).toEqual(['id', 'metadata', 'template', 'age']);
  await expect.element(title('Template')).toHaveFocus();
});

it('takes one stop of the Tab key for its titles and one for an edge', async () => {
  page.getByRole('grid').element().focus();
  await userEvent.keyboard('{Tab}');
  await expect.element(title('Sandbox')).toHaveFocus();
  await userEvent.keyboard('{ArrowRight}{ArrowRight}');
  // It cannot be sorted by, but moved.
  await expect.element(cell('Metadata')).toHaveFocus();
  await userEvent.keyboard('{Tab}');
  await expect.element(edge('Metadata')).toHaveFocus();
  await userEvent.keyboard('{Shift>}{Tab}{/Shift}{ArrowDown}');
  await expect.element(page.getByRole('grid')).toHaveFocus();
});
