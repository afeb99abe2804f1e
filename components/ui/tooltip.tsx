'use client';

import { type FocusEvent, type PointerEvent, type ReactNode, useId, useRef, useState } from 'react';
import { visibleText } from '@/lib/visible-text';
import { loadWhenWanted } from './lazy';
import type { TooltipProps } from './tooltip-popup';

const HOVER_DELAY_MS = 150;

const LazyTooltip = loadWhenWanted(
  async () => (await import('./tooltip-popup')).TooltipPopup,
  ({ anchor }: TooltipProps) => anchor !== null,
  { reportsFailure: false },
);

type Tooltip = {
  /** Opens at once, for a press. */
  open: (anchor: HTMLElement) => void;
  close: () => void;
  /** Event handlers for the element that the text is about. */
  handlers: {
    onPointerEnter: (event: PointerEvent<HTMLElement>) => void;
    onPointerLeave: (event: PointerEvent<HTMLElement>) => void;
    onFocus: (event: FocusEvent<HTMLElement>) => void;
    onBlur: () => void;
  };
  /** For `aria-describedby`; `undefined` without text. */
  descriptionId: string | undefined;
  /** The text for screen readers. Belongs inside the element: hidden, it is not part of its name. */
  description: ReactNode;
  /** The text on screen. Takes no space where it is rendered. */
  popup: ReactNode;
};

/** Shows `text` beside an element on hover, keyboard focus and press, and describes the element to screen readers. */
export function useTooltip(raw: string | null): Tooltip {
  const text = raw === null ? null : visibleText(raw, 'block');
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const id = useId();
  const hasText = text !== null && text !== '';

  function show(element: HTMLElement, delayMs = 0) {
    clearTimeout(timer.current);
    if (!hasText) return;
    if (delayMs === 0) setAnchor(element);
    else timer.current = setTimeout(() => setAnchor(element), delayMs);
  }

  function close() {
    clearTimeout(timer.current);
    setAnchor(null);
  }

  return {
    open: show,
    close,
    handlers: {
      onPointerEnter: ({ currentTarget, pointerType }) => {
        if (pointerType === 'mouse') show(currentTarget, HOVER_DELAY_MS);
      },
      onPointerLeave: ({ pointerType }) => {
        if (pointerType === 'mouse') close();
      },
      onFocus: ({ currentTarget }) => {
        if (currentTarget.matches(':focus-visible')) show(currentTarget);
      },
      onBlur: close,
    },
    descriptionId: hasText ? id : undefined,
    description: hasText ? (
      <span id={id} hidden>
        {text}
      </span>
    ) : null,
    popup: <LazyTooltip anchor={hasText ? anchor : null} text={text} onClose={close} />,
  };
}
