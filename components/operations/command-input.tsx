'use client';

import { clsx } from 'clsx';
import { type KeyboardEvent, type RefObject, useRef, useState } from 'react';
import { formatSpan } from '@/components/ui/duration';
import { MAX_COMMAND_CHARS } from '@/lib/commands/schema';
import { unlessComposing } from '@/lib/key-events';

type SubmitKey = 'enter' | 'chord';

type Props = {
  value: string;
  onChange: (value: string) => void;
  onSubmit: () => void;
  /** `enter`, or `chord`: Ctrl+Enter, and Enter adds a line. Its owner handles the chord. */
  submitKey?: SubmitKey;
  /** Earlier commands, newest first. */
  typed: readonly string[];
  describedBy?: string | undefined;
  disabled?: boolean;
  field?: RefObject<HTMLTextAreaElement | null>;
  startsFocused?: boolean;
};

const MAX_LINES = 12;

/** A command input: Enter or a chord submits, Shift+Enter adds a line, and the arrow keys recall earlier commands. */
export function CommandInput({
  value,
  onChange,
  onSubmit,
  submitKey = 'enter',
  typed,
  describedBy,
  disabled = false,
  field,
  startsFocused = false,
}: Props) {
  // The position in the history (-1: the draft). Any edit resets it.
  const [back, setBack] = useState(-1);
  const draft = useRef('');

  function show(at: number) {
    if (back === -1) draft.current = value;
    setBack(at);
    onChange(at === -1 ? draft.current : (typed[at] ?? ''));
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    const { selectionStart, selectionEnd, value: text } = event.currentTarget;
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (!isPlain) return;
    if (submitKey === 'enter' && event.key === 'Enter') {
      event.preventDefault();
      setBack(-1);
      onSubmit();
    } else if (event.key === 'ArrowUp' && back + 1 < typed.length) {
      if (selectionStart !== selectionEnd || text.lastIndexOf('\n', selectionStart - 1) !== -1) return;
      event.preventDefault();
      show(back + 1);
    } else if (event.key === 'ArrowDown' && back >= 0) {
      if (selectionStart !== selectionEnd || text.indexOf('\n', selectionEnd) !== -1) return;
      event.preventDefault();
      show(back - 1);
    }
  }

  return (
    <textarea
      ref={field}
      // biome-ignore lint/a11y/noAutofocus: the person has just chosen to edit this command.
      autoFocus={startsFocused}
      aria-label="Command"
      aria-describedby={describedBy}
      value={value}
      rows={Math.min(MAX_LINES, value.split('\n').length)}
      maxLength={MAX_COMMAND_CHARS}
      disabled={disabled}
      spellCheck={false}
      autoCapitalize="off"
      autoComplete="off"
      autoCorrect="off"
      placeholder="uname -a"
      onChange={(event) => {
        setBack(-1);
        onChange(event.target.value);
      }}
      onKeyDown={unlessComposing(onKeyDown)}
      className={clsx(
        'block field-sizing-content max-h-64 min-h-[38px] w-full min-w-0 resize-none rounded-md border border-line bg-surface px-3 py-[8px] font-mono text-[12.5px] leading-5 outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25',
        disabled && 'opacity-60',
      )}
    />
  );
}

const LIMITS_MS = [10_000, 60_000, 300_000, 900_000, 3_600_000];

/** Time limits to choose from, including the current one. */
export function limitOptions(chosenMs: number): { value: string; label: string }[] {
  const all = LIMITS_MS.includes(chosenMs) ? LIMITS_MS : [...LIMITS_MS, chosenMs].sort((a, b) => a - b);
  return all.map((ms) => ({ value: String(ms), label: `${formatSpan(ms)} limit` }));
}
