'use client';

import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Input } from '@/components/ui/field';
import type { FindOptions } from '@/lib/console/terminal';

type Props = {
  found: { at: number; count: number };
  onFind: (text: string, options: FindOptions, direction: 'next' | 'previous', incremental?: boolean) => void;
  onClose: () => void;
};

/** Finds text in what the terminal still has. */
export function FindBar({ found, onFind, onClose }: Props) {
  const [text, setText] = useState('');
  const [options, setOptions] = useState<FindOptions>({ caseSensitive: false, regex: false });
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  function change(nextText: string, nextOptions: FindOptions) {
    setText(nextText);
    setOptions(nextOptions);
    if (isUsable(nextText, nextOptions)) onFind(nextText, nextOptions, 'previous', true);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter' && isUsable(text, options))
      onFind(text, options, event.shiftKey ? 'next' : 'previous');
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <search
      aria-label="Find in the terminal"
      className="absolute top-2 right-4 z-10 flex items-center gap-1 rounded-md border border-line bg-raise p-1.5 shadow-float"
    >
      <Input
        ref={input}
        aria-label="Find"
        placeholder="Find"
        value={text}
        spellCheck={false}
        onChange={({ target }) => change(target.value, options)}
        onKeyDown={onKeyDown}
        className="w-44 font-mono"
      />
      <span role="status" className="min-w-16 px-1 text-right text-ink-3 text-small">
        {sayFound(text, found, options)}
      </span>
      <Toggle
        label="Match case"
        isOn={options.caseSensitive}
        onToggle={() => change(text, { ...options, caseSensitive: !options.caseSensitive })}
      >
        Aa
      </Toggle>
      <Toggle
        label="Regular expression"
        isOn={options.regex}
        onToggle={() => change(text, { ...options, regex: !options.regex })}
      >
        .*
      </Toggle>
      <Step label="Previous match" onClick={() => onFind(text, options, 'previous')}>
        <ChevronUp size={15} aria-hidden />
      </Step>
      <Step label="Next match" onClick={() => onFind(text, options, 'next')}>
        <ChevronDown size={15} aria-hidden />
      </Step>
      <Step label="Close" onClick={onClose}>
        <X size={15} aria-hidden />
      </Step>
    </search>
  );
}

function isUsable(text: string, { regex }: FindOptions): boolean {
  if (!regex) return true;
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function sayFound(text: string, { at, count }: Props['found'], options: FindOptions): string {
  if (text === '') return '';
  if (!isUsable(text, options)) return 'incomplete';
  if (count === 0) return 'none';
  return at < 0 ? `${count}` : `${at + 1} of ${count}`;
}

type StepProps = { label: string; onClick: () => void; children: ReactNode };

function Step({ label, onClick, children }: StepProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="flex size-7 items-center justify-center rounded-sm text-ink-2 hover:bg-hover hover:text-ink"
    >
      {children}
    </button>
  );
}

type ToggleProps = { label: string; isOn: boolean; onToggle: () => void; children: string };

function Toggle({ label, isOn, onToggle, children }: ToggleProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={isOn}
      title={label}
      onClick={onToggle}
      className="flex size-7 items-center justify-center rounded-sm font-mono text-ink-2 text-small hover:bg-hover aria-pressed:bg-selected aria-pressed:text-accent"
    >
      {children}
    </button>
  );
}
