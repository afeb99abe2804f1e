'use client';

import { clsx } from 'clsx';
import { type CSSProperties, type ReactNode, useRef } from 'react';
import { Separator } from './separator';

const MIN_FIRST_PX = 260;
const MIN_SECOND_PX = 320;

type Props = {
  /** The width of the first part, `null` for the default share of the window. */
  firstPx: number | null;
  onResize: (firstPx: number | null) => void;
  /** The accessible name of the separator. */
  label: string;
  first: ReactNode;
  second: ReactNode;
  /** The part that a narrow screen has room for. */
  narrow: 'first' | 'second';
};

/** Two parts side by side with a movable separator. A narrow screen shows one of them. Scrolls where the window is low. */
export function Split({ firstPx, onResize, label, first, second, narrow }: Props) {
  const frame = useRef<HTMLDivElement>(null);

  function setWidth(px: number | null) {
    if (px === null) frame.current?.style.removeProperty('--first');
    else frame.current?.style.setProperty('--first', `${px}px`);
  }

  return (
    <div
      ref={frame}
      style={firstPx === null ? undefined : ({ '--first': `${firstPx}px` } as CSSProperties)}
      className="flex min-h-0 flex-1 flex-col max-md:overflow-y-auto md:flex-row"
    >
      <div
        className={clsx(
          'flex min-h-48 flex-1 flex-col md:min-h-0',
          narrow !== 'first' && 'max-md:hidden',
          'md:min-w-[260px] md:max-w-[calc(100%-320px)] md:flex-[0_0_var(--first,clamp(340px,36%,660px))]',
        )}
      >
        {first}
      </div>
      <Separator
        label={label}
        minPx={[MIN_FIRST_PX, MIN_SECOND_PX]}
        isDefault={firstPx === null}
        onMove={setWidth}
        onResize={onResize}
        className="max-md:hidden"
      />
      <div
        className={clsx(
          'flex min-h-48 min-w-0 flex-1 flex-col md:min-h-0',
          narrow !== 'second' && 'max-md:hidden',
        )}
      >
        {second}
      </div>
    </div>
  );
}
