'use client';

import { clsx } from 'clsx';
import { useEffect, useRef, useState } from 'react';
import { useMovableEdge } from './use-movable-edge';

const STEP_PX = 24;

type Props = {
  /** The accessible name. */
  label: string;
  /** The smallest sizes of the parts before and after it, px. */
  minPx: readonly [first: number, second: number];
  /** Whether the part before it has its default size. */
  isDefault: boolean;
  /** The part before it gets this size, px; `null` for the default. Called for each step of a drag. */
  onMove: (firstPx: number | null) => void;
  /** Called with the size when a drag has ended or a key has been pressed. */
  onResize?: (firstPx: number | null) => void;
  className?: string;
};

/** A movable line between two parts of a flex container. `useMovableEdge` describes how it is moved. */
export function Separator({ label, minPx, isDefault, onMove, onResize, className }: Props) {
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

  const edge = useMovableEdge({
    axis: isStacked ? 'y' : 'x',
    stepPx: STEP_PX,
    measurePx: () => sizes().firstPx,
    limitsPx: () => [minPx[0], sizes().framePx - minPx[1]],
    isDefault,
    onMove,
    ...(onResize && { onEnd: onResize }),
  });

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
      {...edge}
      className={clsx(
        'relative z-10 shrink-0 touch-none border-line after:absolute after:content-[""]',
        isStacked
          ? 'h-0 cursor-row-resize border-t after:inset-x-0 after:-top-1.5 after:h-3'
          : 'w-0 cursor-col-resize border-l after:inset-y-0 after:-left-1 after:w-2',
        'outline-none hover:border-ink-3 focus-visible:border-accent focus-visible:ring-1 focus-visible:ring-accent',
        className,
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
