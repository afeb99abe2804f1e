'use client';

import { type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { listenForKeys, unlessComposing } from '@/lib/key-events';

type Edge = {
  /** The direction in which it moves. */
  axis: 'x' | 'y';
  /** How far an arrow key moves it, px. */
  stepPx: number;
  /** The size of the part before the edge as it is on the screen, px. */
  measurePx: () => number;
  /** The smallest and the largest size, px. Read when a movement begins. */
  limitsPx: () => readonly [min: number, max: number];
  /** Whether the part has its default size. Escape returns to it, or else to the size in px. */
  isDefault: boolean;
  /** Called with the size for each step of a drag and for each key; `null`: the default. */
  onMove: (px: number | null) => void;
  /** Called when a drag has ended, and after each key. */
  onEnd?: (px: number | null) => void;
};

/**
 * Handlers of an edge between two parts that resizes the part before it: dragged, with the arrow keys, Home and End, or with
 * Enter or a double click for the default. Escape takes back the drag, or what the keys did since the edge got the focus.
 */
export function useMovableEdge({
  axis,
  stepPx,
  measurePx,
  limitsPx,
  isDefault,
  onMove,
  onEnd = () => {},
}: Edge) {
  /** The size before the first key; `undefined`: no key has changed it. */
  const beforeKeys = useRef<number | null>(undefined);

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    event.preventDefault();
    const { currentTarget: target, pointerId } = event;
    const start = axis === 'x' ? event.clientX : event.clientY;
    const startPx = measurePx();
    const before = isDefault ? null : startPx;
    const [min, max] = limitsPx();
    let movedPx: number | null | undefined;
    const onPointerMove = (moved: globalThis.PointerEvent) => {
      if (moved.pointerId !== pointerId) return;
      movedPx = clamp(startPx + (axis === 'x' ? moved.clientX : moved.clientY) - start, min, max);
      onMove(movedPx);
    };
    function onKey(pressed: globalThis.KeyboardEvent) {
      if (pressed.key !== 'Escape') return;
      pressed.preventDefault();
      pressed.stopPropagation();
      if (movedPx !== undefined) onMove(before);
      movedPx = undefined;
      stop();
    }
    function stop(ended?: globalThis.PointerEvent) {
      if (ended && ended.pointerId !== pointerId) return;
      window.removeEventListener('pointermove', onPointerMove);
      window.removeEventListener('pointerup', stop);
      window.removeEventListener('pointercancel', stop);
      stopListening();
      if (movedPx !== undefined) onEnd(movedPx);
    }
    // The cursor stays that of the edge.
    target.setPointerCapture(pointerId);
    window.addEventListener('pointermove', onPointerMove);
    window.addEventListener('pointerup', stop);
    window.addEventListener('pointercancel', stop);
    const stopListening = listenForKeys(onKey, { isFirst: true });
  }

  function change(px: number | null) {
    onMove(px);
    onEnd(px);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const before = beforeKeys.current;
    if (event.key === 'Escape') {
      if (before === undefined) return;
      event.preventDefault();
      change(before);
      beforeKeys.current = undefined;
      return;
    }
    const px = targetOf(event.key);
    if (px === undefined) return;
    event.preventDefault();
    if (before === undefined) beforeKeys.current = isDefault ? null : measurePx();
    change(px);
  }

  /** The size that a key asks for; `undefined`: none. */
  function targetOf(key: string): number | null | undefined {
    const [back, forth] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    const [min, max] = limitsPx();
    switch (key) {
      case back:
        return clamp(measurePx() - stepPx, min, max);
      case forth:
        return clamp(measurePx() + stepPx, min, max);
      case 'Home':
        return min;
      case 'End':
        return max;
      case 'Enter':
        return null;
      default:
        return undefined;
    }
  }

  return {
    onPointerDown,
    onKeyDown: unlessComposing(onKeyDown),
    onDoubleClick: () => change(null),
    onBlur: () => {
      beforeKeys.current = undefined;
    },
  };
}

function clamp(px: number, min: number, max: number): number {
  return Math.round(Math.min(Math.max(px, min), Math.max(min, max)));
}
