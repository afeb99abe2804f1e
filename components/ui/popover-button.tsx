'use client';

import type { ReactNode, RefObject } from 'react';
import { Button } from './button';
import { LazyPopover } from './floating';

type Props = {
  /** Also the title of the popover. */
  label: string;
  buttonRef: RefObject<HTMLButtonElement | null>;
  /** The button while the popover is open, else `null`. */
  anchor: HTMLElement | null;
  onAnchor: (anchor: HTMLElement | null) => void;
  children: ReactNode;
};

/** A button with a popover that others can open, too. */
export function PopoverButton({ label, buttonRef, anchor, onAnchor, children }: Props) {
  return (
    <>
      <Button
        ref={buttonRef}
        size="lg"
        aria-haspopup="dialog"
        aria-expanded={anchor !== null}
        onPointerEnter={LazyPopover.preload}
        onClick={(event) => onAnchor(anchor === null ? event.currentTarget : null)}
      >
        {label}
      </Button>
      <LazyPopover title={label} anchor={anchor} onClose={() => onAnchor(null)}>
        {children}
      </LazyPopover>
    </>
  );
}
