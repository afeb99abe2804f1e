'use client';

import { clsx } from 'clsx';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { unlessComposing } from '@/lib/key-events';
import { Button, IconButton } from './button';
import { Input } from './field';

export type FindDirection = 'next' | 'previous';

type FindOption = { label: string; sign: string; isOn: boolean; onToggle: () => void };

type Props = {
  /** The accessible name, and the placeholder of the input. */
  label: string;
  text: string;
  onText: (text: string) => void;
  options: readonly FindOption[];
  /** The result, such as `3 of 12`. */
  status: string;
  /** Why nothing can be searched, or `null`. */
  unavailable: string | null;
  /** Shift Enter finds in the other direction. */
  enterFinds?: FindDirection;
  onFind: (direction: FindDirection) => void;
  /** Stops a search in progress; `null`: none. */
  onStop?: (() => void) | null;
  onClose: () => void;
  /** Whether it floats over the text or takes a row above it. */
  isFloating?: boolean;
};

/** Finds text in a view. Escape stops a search, and then closes the bar. */
export function FindBar({
  label,
  text,
  onText,
  options,
  status,
  unavailable,
  enterFinds = 'next',
  onFind,
  onStop = null,
  onClose,
  isFloating = false,
}: Props) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape') (onStop ?? onClose)();
    else if (event.key === 'Enter' && event.target === input.current) {
      const other = enterFinds === 'next' ? 'previous' : 'next';
      if (unavailable === null) onFind(event.shiftKey ? other : enterFinds);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <search
      aria-label={label}
      onKeyDown={unlessComposing(onKeyDown)}
      className={clsx(
        'flex items-center gap-1',
        isFloating
          ? 'absolute top-2 right-4 z-10 rounded-md border border-line bg-raise p-1.5 shadow-float'
          : 'min-h-11 shrink-0 flex-wrap border-line border-b px-5 py-1',
      )}
    >
      <Input
        ref={input}
        aria-label={label}
        placeholder={label}
        inputMode="search"
        maxLength={500}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={({ currentTarget }) => onText(currentTarget.value)}
        className={clsx('font-mono', isFloating ? 'w-44' : 'w-64')}
      />
      <span role="status" className={clsx('min-w-16 px-1 text-ink-3 text-small', isFloating && 'text-right')}>
        {status}
      </span>
      {options.map((option) => (
        <IconButton
          key={option.label}
          label={option.label}
          aria-pressed={option.isOn}
          onClick={option.onToggle}
          className="font-mono text-small aria-pressed:bg-selected aria-pressed:text-accent"
        >
          {option.sign}
        </IconButton>
      ))}
      <IconButton label="Previous match" unavailable={unavailable} onClick={() => onFind('previous')}>
        <ChevronUp size={15} aria-hidden />
      </IconButton>
      <IconButton label="Next match" unavailable={unavailable} onClick={() => onFind('next')}>
        <ChevronDown size={15} aria-hidden />
      </IconButton>
      {onStop === null ? null : (
        <Button className="h-7!" onClick={onStop}>
          Stop
        </Button>
      )}
      <IconButton label="Close" onClick={onClose} className={isFloating ? undefined : 'order-last ml-auto'}>
        <X size={15} aria-hidden />
      </IconButton>
    </search>
  );
}
