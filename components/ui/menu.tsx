'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import { clsx } from 'clsx';
import { useContext, useRef } from 'react';
import { FinalFocus, noteMenuChoice } from './focus-home';
import type { MenuAct, MenuProps } from './menu-act';

/** A menu beside the element that opened it. Loaded when first needed: see `lazy.tsx`. */
export function Menu({ anchor, acts, header, onClose }: MenuProps) {
  const findPlace = useContext(FinalFocus);
  const isChosen = useRef(false);
  return (
    <BaseMenu.Root
      open={anchor !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <BaseMenu.Portal>
        <BaseMenu.Positioner className="z-50 outline-none" align="end" sideOffset={4} anchor={anchor}>
          <BaseMenu.Popup
            className="min-w-44 max-w-72 rounded-md border border-line bg-raise p-1 shadow-float outline-none"
            finalFocus={() => {
              const place = isChosen.current ? findPlace?.() : null;
              isChosen.current = false;
              noteMenuChoice(null);
              return place ?? anchor;
            }}
          >
            {header ? <div className="mb-1 border-line border-b px-2 py-1.5">{header}</div> : null}
            {acts.map((act) => (
              <MenuItem
                key={act.label}
                {...act}
                onActivate={() => {
                  isChosen.current = true;
                  noteMenuChoice(anchor);
                  act.onActivate();
                }}
              />
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

function MenuItem({ label, onActivate, disabledReason, tone, separated }: MenuAct) {
  return (
    <>
      {separated ? <BaseMenu.Separator className="-mx-1 my-1 h-px bg-line" /> : null}
      <BaseMenu.Item
        className={clsx(
          'flex flex-col rounded-sm px-2 py-1.5 outline-none select-none data-disabled:text-ink-3 data-highlighted:bg-hover',
          tone === 'danger' && !disabledReason && 'text-danger',
        )}
        disabled={Boolean(disabledReason)}
        onClick={onActivate}
      >
        <span className="font-medium">{label}</span>
        {disabledReason ? <span className="text-small">{disabledReason}</span> : null}
      </BaseMenu.Item>
    </>
  );
}
