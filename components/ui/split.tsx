'use client';

import { clsx } from 'clsx';
import { type CSSProperties, type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from 'react';
import { unlessComposing } from '@/lib/key-events';

const MIN_FIRST_PX = 260;
const MIN_SECOND_PX = 320;
const STEP_PX = 24;

type Props = {
  /** The width of the first part, `null` for the default share of the window. */
  firstPx: number | null;
  onResize: (firstPx: number | null) => void;
  /** The accessible name of the separator. */
  label: string;
  first: ReactNode;
  second: ReactNode;
};

/** Two parts side by side with a movable separator, stacked on narrow screens. */
export function Split({ firstPx, onResize, label, first, second }: Props) {
  const frame = useRef<HTMLDivElement>(null);

  function currentWidth(): number {
    return frame.current?.firstElementChild?.getBoundingClientRect().width ?? MIN_FIRST_PX;
  }

  function setWidth(px: number | null) {
    if (px === null) frame.current?.style.removeProperty('--first');
    else frame.current?.style.setProperty('--first', `${px}px`);
  }

  function clamp(px: number): number {
    const maxPx = Math.max((frame.current?.clientWidth ?? 0) - MIN_SECOND_PX, MIN_FIRST_PX);
    return Math.round(Math.min(Math.max(px, MIN_FIRST_PX), maxPx));
  }

  function change(px: number | null) {
    setWidth(px);
    onResize(px);
  }

  function onPointerDown(event: PointerEvent<HTMLElement>) {
    if (event.button !== 0) return;
    event.preventDefault();
    const { currentTarget: line, pointerId, clientX } = event;
    const startPx = currentWidth();
    line.setPointerCapture(pointerId);
    const onMove = (moved: globalThis.PointerEvent) => setWidth(clamp(startPx + moved.clientX - clientX));
    line.addEventListener('pointermove', onMove);
    line.addEventListener(
      'lostpointercapture',
      () => {
        line.removeEventListener('pointermove', onMove);
        const px = Math.round(currentWidth());
        if (px !== Math.round(startPx)) onResize(px);
      },
      { once: true },
    );
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowLeft: -STEP_PX, ArrowRight: STEP_PX }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    change(clamp(currentWidth() + step));
  }

  return (
    <div
      ref={frame}
      style={firstPx === null ? undefined : ({ '--first': `${firstPx}px` } as CSSProperties)}
      className="flex min-h-0 flex-1 flex-col md:flex-row"
    >
      <div
        className={clsx(
          'flex min-h-0 flex-[0_0_45%] flex-col',
          'md:min-w-[260px] md:max-w-[calc(100%-320px)] md:flex-[0_0_var(--first,clamp(340px,36%,660px))]',
        )}
      >
        {first}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: an hr element cannot be focused or moved. */}
      <div
        role="separator"
        aria-label={label}
        aria-orientation="vertical"
        aria-valuenow={firstPx ?? 0}
        aria-valuetext={firstPx === null ? 'default width' : `${firstPx} pixels`}
        tabIndex={0}
        onPointerDown={onPointerDown}
        onKeyDown={unlessComposing(onKeyDown)}
        onDoubleClick={() => change(null)}
        className={clsx(
          'relative z-10 shrink-0 border-line border-t md:border-t-0 md:border-l',
          'md:w-0 md:cursor-col-resize md:after:absolute md:after:inset-y-0 md:after:-left-1 md:after:w-2 md:after:content-[""]',
          'outline-none hover:border-ink-3 focus-visible:border-accent focus-visible:ring-1 focus-visible:ring-accent',
        )}
      />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">{second}</div>
    </div>
  );
}
