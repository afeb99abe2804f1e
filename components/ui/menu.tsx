'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import { clsx } from 'clsx';
import { Check } from 'lucide-react';
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

function MenuItem({ label, onActivate, disabledReason, tone, separated, ...act }: MenuAct) {
  const { start, end, detail, isChosen } = act;
  return (
    <>
      {separated ? <BaseMenu.Separator className="-mx-1 my-1 h-px bg-line" /> : null}
      <BaseMenu.Item
        className={clsx(
          'flex flex-col rounded-sm px-2 py-1.5 outline-none select-none data-disabled:text-ink-3 data-highlighted:bg-hover',
          tone === 'danger' && !disabledReason && 'text-danger',
        )}
        {...(isChosen === undefined ? {} : { role: 'menuitemradio', 'aria-checked': isChosen })}
        disabled={Boolean(disabledReason)}
        onClick={onActivate}
      >
        {start === undefined && end === undefined && isChosen === undefined ? (
          <span className="font-medium">{label}</span>
        ) : (
          <span className="flex min-w-0 items-center gap-2">
            {start}
            <span className="min-w-0 flex-1 truncate font-medium">{label}</span>
            {isChosen ? <Check size={14} aria-hidden className="shrink-0 text-accent" /> : null}
            {end}
          </span>
        )}
        {detail}
        {disabledReason ? <span className="text-small">{disabledReason}</span> : null}
      </BaseMenu.Item>
    </>
  );
}
