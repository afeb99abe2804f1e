'use client';

import { Tooltip } from '@base-ui/react/tooltip';

export type TooltipProps = { anchor: HTMLElement | null; text: string | null; onClose: () => void };

/** A line of text above its anchor. Loaded when first needed: see `lazy.tsx`. */
export function TooltipPopup({ anchor, text, onClose }: TooltipProps) {
  return (
    <Tooltip.Root
      open={anchor !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Tooltip.Portal>
        <Tooltip.Positioner className="pointer-events-none z-60" sideOffset={6} anchor={anchor}>
          <Tooltip.Popup
            role="tooltip"
            className="w-max max-w-64 rounded-md border border-line bg-raise px-2 py-1 text-ink-2 text-small shadow-float"
          >
            {text}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
