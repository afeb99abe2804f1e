'use client';

import { clsx } from 'clsx';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { unlessComposing } from '@/lib/key-events';

const STEP_PX = 24;

type Props = {
  /** The accessible name. */
  label: string;
  /** The smallest sizes of the parts before and after it, px. */
  minPx: readonly [first: number, second: number];
  /** The part before it gets this size, px; `null` for the default. Called for each step of a drag. */
  onMove: (firstPx: number | null) => void;
  /** Called with the size when a drag has ended or a key has been pressed. */
  onResize?: (firstPx: number | null) => void;
  /** It cannot be moved while the parts are stacked. */
  isFixedWhenStacked?: boolean;
};

/** A movable line between two parts of a flex container: drag it, use the arrow keys, or double-click for the default. */
export function Separator({ label, minPx, onMove, onResize, isFixedWhenStacked = false }: Props) {
  const line = useRef<HTMLDivElement>(null);
  const { percent, isStacked } = useMeasured(line);

  function sizes() {
    const [first, frame] = [line.current?.previousElementSibling, line.current?.parentElement];
    const side = isStackedIn(frame) ? 'height' : 'width';
    return {
      firstPx: first?.getBoundingClientRect()[side] ?? 0,
      framePx: frame?.getBoundingClientRect()[side] ?? 0,
    };
  }

  function clamp(px: number): number {
    const maxPx = Math.max(sizes().framePx - minPx[1], minPx[0]);
    return Math.round(Math.min(Math.max(px, minPx[0]), maxPx));
  }

  function change(px: number | null) {
    onMove(px);
    onResize?.(px);
  }

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0 || (isStacked && isFixedWhenStacked)) return;
    event.preventDefault();
    const { currentTarget: target, pointerId, clientX, clientY } = event;
    const { firstPx } = sizes();
    let movedPx: number | null = null;
    const onPointerMove = (moved: globalThis.PointerEvent) => {
      movedPx = clamp(firstPx + (isStacked ? moved.clientY - clientY : moved.clientX - clientX));
      onMove(movedPx);
    };
    target.setPointerCapture(pointerId);
    target.addEventListener('pointermove', onPointerMove);
    target.addEventListener(
      'lostpointercapture',
      () => {
        target.removeEventListener('pointermove', onPointerMove);
        if (movedPx !== null) onResize?.(movedPx);
      },
      { once: true },
    );
  }

  function onKeyDown(event: KeyboardEvent) {
    if (isStacked && isFixedWhenStacked) return;
    const { firstPx, framePx } = sizes();
    const [back, forth] = isStacked ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight'];
    const px = { [back]: firstPx - STEP_PX, [forth]: firstPx + STEP_PX, Home: 0, End: framePx }[event.key];
    if (px === undefined) return;
    event.preventDefault();
    change(clamp(px));
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: an hr element cannot be focused or moved.
    <div
      ref={line}
      role="separator"
      aria-label={label}
      aria-orientation={isStacked ? 'horizontal' : 'vertical'}
      aria-valuenow={percent}
      aria-valuetext={`${percent} %`}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={unlessComposing(onKeyDown)}
      onDoubleClick={() => change(null)}
      className={clsx(
        'relative z-10 shrink-0 touch-none border-line after:absolute after:content-[""]',
        isStacked
          ? 'h-0 border-t after:inset-x-0 after:-top-1.5 after:h-3'
          : 'w-0 border-l after:inset-y-0 after:-left-1 after:w-2',
        isStacked ? !isFixedWhenStacked && 'cursor-row-resize' : 'cursor-col-resize',
        'outline-none hover:border-ink-3 focus-visible:border-accent focus-visible:ring-1 focus-visible:ring-accent',
      )}
    />
  );
}

function isStackedIn(frame: Element | null | undefined): boolean {
  return frame != null && getComputedStyle(frame).flexDirection.startsWith('column');
}

/** The share of the first part, and the direction of the container, as they are on the screen. */
function useMeasured(line: { readonly current: HTMLElement | null }) {
  const [measured, setMeasured] = useState({ percent: 50, isStacked: false });
  useEffect(() => {
    const [first, frame] = [line.current?.previousElementSibling, line.current?.parentElement];
    if (first == null || frame == null) return;
    const observer = new ResizeObserver(() => {
      const isStacked = isStackedIn(frame);
      const side = isStacked ? 'height' : 'width';
      const share = first.getBoundingClientRect()[side] / frame.getBoundingClientRect()[side];
      const percent = Number.isFinite(share) ? Math.round(Math.min(1, share) * 100) : 50;
      setMeasured((before) =>
        before.percent === percent && before.isStacked === isStacked ? before : { percent, isStacked },
      );
    });
    observer.observe(first);
    observer.observe(frame);
    return () => observer.disconnect();
  }, [line]);
  return measured;
}
