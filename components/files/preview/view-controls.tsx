'use client';

import { createContext, type ReactNode, use } from 'react';
import { createPortal } from 'react-dom';

export const ControlsSlot = createContext<HTMLElement | null>(null);

export function ViewControls({ children }: { children: ReactNode }) {
  const slot = use(ControlsSlot);
  return slot === null ? null : createPortal(children, slot);
}

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
