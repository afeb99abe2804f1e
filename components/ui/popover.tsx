'use client';

import { Popover as BasePopover } from '@base-ui/react/popover';
import type { ReactElement, ReactNode } from 'react';

type Props = { trigger: ReactElement; title: string; children: ReactNode };

/** A small panel beside the element that opens it. */
export function Popover({ trigger, title, children }: Props) {
  return (
    <BasePopover.Root>
      <BasePopover.Trigger render={trigger} />
      <BasePopover.Portal>
        <BasePopover.Positioner className="z-50 outline-none" align="end" sideOffset={4}>
          <BasePopover.Popup className="w-64 rounded-md border border-line bg-raise p-3 shadow-float outline-none">
            <BasePopover.Title className="mb-2 font-semibold">{title}</BasePopover.Title>
            {children}
          </BasePopover.Popup>
        </BasePopover.Positioner>
      </BasePopover.Portal>
    </BasePopover.Root>
  );
}
