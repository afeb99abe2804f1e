'use client';

import { createContext, type ReactNode, use } from 'react';
import { createPortal } from 'react-dom';

/** Where a view's own controls stand: beside those that every file has. */
export const ControlsSlot = createContext<HTMLElement | null>(null);

/** Puts the controls of a view into the bar above it. */
export function ViewControls({ children }: { children: ReactNode }) {
  const slot = use(ControlsSlot);
  return slot === null ? null : createPortal(children, slot);
}

/** A quiet button of the bar that is on or off. */
export function BarToggle({
  isOn,
  onToggle,
  title,
  children,
}: {
  isOn: boolean;
  onToggle: () => void;
  title?: string;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      title={title}
      onClick={onToggle}
      className="h-7 rounded-sm px-2 text-ink-2 hover:bg-hover hover:text-ink aria-pressed:bg-selected aria-pressed:text-accent"
    >
      {children}
    </button>
  );
}

/** A quiet button of the bar. */
export function BarButton({
  onClick,
  title,
  children,
}: {
  onClick: () => void;
  title?: string;
  children: ReactNode;
}) {
  return (
    <button
      type="button"
      title={title}
      onClick={onClick}
      className="h-7 rounded-sm px-2 text-ink-2 hover:bg-hover hover:text-ink"
    >
      {children}
    </button>
  );
}
