'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import type { ReactElement, ReactNode } from 'react';
import { cn } from './class-names';

/** One act in a menu, as data. */
export type MenuAct = {
  label: string;
  onActivate: () => void;
  /** Why it cannot be done now; shown instead of hiding the act. */
  disabledReason?: string | null;
  tone?: 'danger';
  /** Draws a line above. */
  separated?: boolean;
};

type Props = {
  /** The element that opens the menu. */
  trigger: ReactElement;
  acts: readonly MenuAct[];
  header?: ReactNode;
  align?: 'start' | 'end';
};

const ITEM =
  'flex flex-col rounded-sm px-2 py-1.5 outline-none select-none data-highlighted:bg-hover data-disabled:text-ink-3';

/** A menu of acts, opened by `trigger`. */
export function Menu({ trigger, acts, header, align = 'end' }: Props) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger render={trigger} />
      <Panel acts={acts} header={header} align={align} />
    </BaseMenu.Root>
  );
}

type MenuAtProps = { anchor: HTMLElement | null; acts: readonly MenuAct[]; onClose: () => void };

/** One menu for many places, open at `anchor`: a menu for each row of a long table would cost too much. */
export function MenuAt({ anchor, acts, onClose }: MenuAtProps) {
  return (
    <BaseMenu.Root
      open={anchor !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Panel acts={acts} align="end" anchor={anchor} />
    </BaseMenu.Root>
  );
}

type PanelProps = Pick<Props, 'acts' | 'header' | 'align'> & { anchor?: HTMLElement | null };

function Panel({ acts, header, align, anchor }: PanelProps) {
  return (
    <BaseMenu.Portal>
      <BaseMenu.Positioner
        className="z-50 outline-none"
        align={align}
        sideOffset={4}
        {...(anchor === undefined ? {} : { anchor })}
      >
        <BaseMenu.Popup
          className="min-w-44 max-w-72 rounded-md border border-line bg-raise p-1 shadow-float outline-none"
          {...(anchor ? { finalFocus: () => anchor } : {})}
        >
          {header ? <div className="border-line border-b px-2 py-1.5">{header}</div> : null}
          {acts.map((act) => (
            <MenuItem key={act.label} {...act} />
          ))}
        </BaseMenu.Popup>
      </BaseMenu.Positioner>
    </BaseMenu.Portal>
  );
}

function MenuItem({ label, onActivate, disabledReason, tone, separated }: MenuAct) {
  return (
    <>
      {separated ? <BaseMenu.Separator className="-mx-1 my-1 h-px bg-line" /> : null}
      <BaseMenu.Item
        className={cn(ITEM, tone === 'danger' && !disabledReason && 'text-danger')}
        disabled={Boolean(disabledReason)}
        onClick={onActivate}
      >
        <span className="font-medium">{label}</span>
        {disabledReason ? <span className="text-small">{disabledReason}</span> : null}
      </BaseMenu.Item>
    </>
  );
}
