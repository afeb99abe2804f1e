'use client';

import type { KeyboardEvent, ReactNode } from 'react';
import { unlessComposing } from '@/lib/key-events';

type Props = {
  /** The accessible name. */
  label: string;
  className?: string;
  children: ReactNode;
};

/**
 * Controls that take one stop of Tab together. The left and right arrows, Home and End move between them. An input among
 * them, which uses these keys itself, stays a stop of its own.
 */
export function Toolbar({ label, className, children }: Props) {
  return (
    <div role="toolbar" aria-label={label} className={className} onKeyDown={unlessComposing(onKeyDown)}>
      {children}
    </div>
  );
}

const CONTROLS =
  ':is(a[href], button, input[type=checkbox], [tabindex]:not(input)):not([tabindex="-1"], :disabled)';

function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
  const { key, currentTarget: toolbar, target } = event;
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const controls = [...toolbar.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (control) => control.getClientRects().length > 0,
  );
  // React also reports the keys of dialogs that were opened from the toolbar.
  const at = controls.indexOf(target as HTMLElement);
  if (at < 0) return;
  // The browser goes on from the first or last control to the next element outside.
  if (key === 'Tab') controls.at(event.shiftKey ? 0 : -1)?.focus({ preventScroll: true });
  if (event.shiftKey) return;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: controls.length - 1 }[key];
  if (to === undefined) return;
  event.preventDefault();
  controls.at(to % controls.length)?.focus();
}
