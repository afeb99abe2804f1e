'use client';

import { type PointerEvent, useState } from 'react';
import { listenForKeys } from '@/lib/key-events';

/** A shorter movement is a click. */
const MIN_DRAG_PX = 6;
/** Within this distance of its edge, the grid scrolls sideways. */
const SCROLL_ZONE_PX = 32;
const SCROLL_STEP_PX = 12;

/** A column that is being dragged, `byPx` from its place, and the position that it would get. */
export type ColumnDrag = { id: string; byPx: number; to: number };

/** Drags a header cell to another place. Escape cancels. `onMove` gets the new position, counted from 0. */
export function useColumnDrag(onMove: (id: string, to: number) => void) {
  const [drag, setDrag] = useState<ColumnDrag | null>(null);

  function onPointerDown(event: PointerEvent<HTMLElement>, id: string) {
    // The edge of the column has taken the press.
    if (event.defaultPrevented || event.button !== 0 || !event.isPrimary) return;
    const { currentTarget: cell, pointerId, clientX: startX } = event;
    const grid = cell.closest<HTMLElement>('[role=grid]');
    // There, the header scrolls under the finger, and a row has its own layout.
    if (grid?.dataset.phone !== undefined) return;
    const startScroll = grid?.scrollLeft ?? 0;
    let now: ColumnDrag | null = null;
    let pointerX = startX;
    let frame = 0;

    function follow() {
      const byPx = pointerX - startX + (grid?.scrollLeft ?? 0) - startScroll;
      now = { id, byPx, to: positionAt(cell, pointerX) };
      setDrag(now);
    }
    function scroll() {
      const box = grid?.getBoundingClientRect();
      if (!grid || !box) return;
      const step = pointerX < box.left + SCROLL_ZONE_PX ? -1 : pointerX > box.right - SCROLL_ZONE_PX ? 1 : 0;
      const before = grid.scrollLeft;
      if (step !== 0) grid.scrollLeft += step * SCROLL_STEP_PX;
      if (grid.scrollLeft !== before) follow();
      frame = requestAnimationFrame(scroll);
    }
    function onPointerMove(moved: globalThis.PointerEvent) {
      if (moved.pointerId !== pointerId) return;
      pointerX = moved.clientX;
      if (now === null) {
        if (Math.abs(pointerX - startX) < MIN_DRAG_PX) return;
        cell.setPointerCapture(pointerId);
        frame = requestAnimationFrame(scroll);
      }
      follow();
    }
    function stop() {
      cancelAnimationFrame(frame);
      window.removeEventListener('pointermove', onPointerMove);
      window.removeEventListener('pointerup', onPointerUp);
      window.removeEventListener('pointercancel', onCancel);
      stopListening();
      setDrag(null);
    }
    function onPointerUp(ended: globalThis.PointerEvent) {
      if (ended.pointerId !== pointerId) return;
      stop();
      if (now === null) return;
      dropNextClick();
      onMove(id, now.to);
    }
    function onCancel(cancelled: globalThis.PointerEvent) {
      if (cancelled.pointerId === pointerId) stop();
    }
    function onKeyDown(pressed: KeyboardEvent) {
      if (pressed.key !== 'Escape' || now === null) return;
      pressed.preventDefault();
      pressed.stopPropagation();
      stop();
      window.addEventListener('pointerup', dropNextClick, { once: true });
    }
    window.addEventListener('pointermove', onPointerMove);
    window.addEventListener('pointerup', onPointerUp);
    window.addEventListener('pointercancel', onCancel);
    const stopListening = listenForKeys(onKeyDown, { isFirst: true });
  }

  return { drag, onPointerDown };
}

/** The number of other columns whose middle is before `clientX`. */
function positionAt(cell: HTMLElement, clientX: number): number {
  const others = [...(cell.parentElement?.querySelectorAll('[data-column]') ?? [])].filter(
    (other) => other !== cell,
  );
  return others.filter((other) => {
    const { left, width } = other.getBoundingClientRect();
    return left + width / 2 < clientX;
  }).length;
}

/** The click that ends a drag would sort by the column. */
function dropNextClick(): void {
  const drop = (click: MouseEvent) => {
    click.preventDefault();
    click.stopPropagation();
  };
  window.addEventListener('click', drop, { capture: true, once: true });
  setTimeout(() => window.removeEventListener('click', drop, true));
}
