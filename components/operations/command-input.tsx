'use client';

import { clsx } from 'clsx';
import { type KeyboardEvent, type RefObject, useRef, useState } from 'react';
import { MAX_COMMAND_CHARS } from '@/lib/commands/schema';

type Props = {
  value: string;
  onChange: (value: string) => void;
  /** Enter. */
  onSubmit: () => void;
  /** What was typed earlier, the latest first. */
  typed: readonly string[];
  describedBy?: string | undefined;
  disabled?: boolean;
  field?: RefObject<HTMLTextAreaElement | null>;
  /** It is there because somebody asked for it. */
  startsFocused?: boolean;
};

const MAX_LINES = 12;

/** A command line, or several: Enter sends it, Shift+Enter begins another, and the arrows bring back what was typed earlier. */
export function CommandInput({
  value,
  onChange,
  onSubmit,
  typed,
  describedBy,
  disabled = false,
  field,
  startsFocused = false,
}: Props) {
  // How far back, and what stood there before; changing anything begins anew.
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
    // While an input method composes, Enter is its own.
    if (event.nativeEvent.isComposing || !isPlain) return;
    if (event.key === 'Enter') {
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
      // biome-ignore lint/a11y/noAutofocus: it comes with what somebody chose to edit.
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
      onKeyDown={onKeyDown}
      className={clsx(
        'block field-sizing-content max-h-64 min-h-[38px] w-full min-w-0 resize-none rounded-md border border-line bg-surface px-3 py-[8px] font-mono text-[12.5px] leading-5 outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25',
        disabled && 'opacity-60',
      )}
    />
  );
}
