'use client';

import { Popover as BasePopover } from '@base-ui/react/popover';
import type { ReactNode } from 'react';

type Props = {
  /** The element that opened the popover, `null` while it is closed. */
  anchor: HTMLElement | null;
  title: string;
  children: ReactNode;
  onClose: () => void;
};

/** A small panel beside the element that opened it. Loaded when first needed: see `lazy.tsx`. */
export function Popover({ anchor, title, children, onClose }: Props) {
  return (
    <BasePopover.Root
      open={anchor !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <BasePopover.Portal>
        <BasePopover.Positioner className="z-50 outline-none" align="end" sideOffset={4} anchor={anchor}>
          <BasePopover.Popup
            className="w-64 rounded-md border border-line bg-raise p-3 shadow-float outline-none"
            finalFocus={() => anchor}
          >
            <BasePopover.Title className="mb-2 font-semibold">{title}</BasePopover.Title>
            {children}
          </BasePopover.Popup>
        </BasePopover.Positioner>
      </BasePopover.Portal>
    </BasePopover.Root>
  );
}
