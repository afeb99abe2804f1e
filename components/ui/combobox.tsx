'use client';

import { clsx } from 'clsx';
import { type KeyboardEvent, type ReactNode, type RefObject, useId, useState } from 'react';
import { unlessComposing } from '@/lib/key-events';

type Props<T> = {
  value: string;
  /** Called when the text changes, but not for text that an input method is still composing. */
  onChange: (value: string, caret: number) => void;
  onCaret: (caret: number) => void;
  items: readonly T[];
  itemKey: (item: T) => string;
  drawItem: (item: T) => ReactNode;
  onTake: (item: T) => void;
  /** Called on Enter without an active item and on blur. */
  onDone: () => void;
  label: string;
  placeholder: string;
  isInvalid: boolean;
  /** The id of the error message. */
  describedBy?: string | undefined;
  inputRef: RefObject<HTMLInputElement | null>;
  /** Called for keys that the list does not handle. */
  onOtherKey: (event: KeyboardEvent<HTMLInputElement>) => void;
  /** The distance from the input's top to the list, px. */
  listTopPx: number;
  className?: string;
};

/**
 * A text input with a list of suggestions, following the ARIA pattern of an editable combobox: the focus stays in the
 * input, and an item is taken with the arrow keys and Enter or Tab, or with a click.
 * Why not Base UI's Autocomplete: docs/decisions/own-combobox.md
 */
export function Combobox<T>({ items, itemKey, drawItem, onTake, inputRef, ...props }: Props<T>) {
  const listId = useId();
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(-1);
  /** The text while an input method is composing. Half a word must not filter, and changing it would end it. */
  const [composed, setComposed] = useState<string | null>(null);
  const isShown = isOpen && items.length > 0;
  const current = Math.min(active, items.length - 1);
  const optionId = (index: number) => `${listId}-${index}`;

  function change({ value, selectionStart }: HTMLInputElement) {
    props.onChange(value, selectionStart ?? value.length);
    setIsOpen(true);
    setActive(-1);
  }

  function take(item: T) {
    onTake(item);
    setActive(-1);
    inputRef.current?.focus();
  }

  function move(step: number) {
    setIsOpen(true);
    // Moving past either end activates no item.
    const next = current + step;
    const wrapped = next < -1 ? items.length - 1 : next >= items.length ? -1 : next;
    setActive(wrapped);
    document.getElementById(optionId(wrapped))?.scrollIntoView({ block: 'nearest' });
  }

  function finish() {
    setIsOpen(false);
    props.onDone();
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const item = items[current];
    if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else if ((event.key === 'Enter' || event.key === 'Tab') && isShown && item !== undefined) take(item);
    else if (event.key === 'Enter') finish();
    else if (event.key === 'Escape' && isShown) setIsOpen(false);
    else {
      props.onOtherKey(event);
      return;
    }
    event.preventDefault();
  }

  return (
    <div className={clsx('relative', props.className)}>
      <input
        ref={inputRef}
        role="combobox"
        aria-label={props.label}
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={listId}
        aria-activedescendant={isShown && current >= 0 ? optionId(current) : undefined}
        aria-invalid={props.isInvalid}
        aria-describedby={props.describedBy}
        placeholder={props.placeholder}
        spellCheck={false}
        autoComplete="off"
        value={composed ?? props.value}
        onChange={({ currentTarget, nativeEvent }) => {
          if (nativeEvent instanceof InputEvent && nativeEvent.isComposing) setComposed(currentTarget.value);
          else change(currentTarget);
        }}
        onCompositionEnd={({ currentTarget }) => {
          setComposed(null);
          change(currentTarget);
        }}
        onSelect={({ currentTarget }) => props.onCaret(currentTarget.selectionStart ?? 0)}
        onClick={() => setIsOpen(true)}
        onBlur={finish}
        onKeyDown={unlessComposing(onKeyDown)}
        className="h-[26px] w-full bg-transparent font-mono text-small outline-none placeholder:font-sans"
      />
      <div
        id={listId}
        role="listbox"
        aria-label="Suggestions"
        hidden={!isShown}
        style={{ top: props.listTopPx }}
        className="-left-2 absolute z-40 max-h-80 w-max min-w-72 max-w-[min(32rem,80vw)] overflow-y-auto rounded-md border border-line bg-raise p-1 shadow-float"
      >
        {isShown
          ? items.map((item, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and handles the keys.
              <div
                key={itemKey(item)}
                id={optionId(index)}
                role="option"
                tabIndex={-1}
                aria-selected={index === current}
                // Moving the focus out of the input would close the list before the click.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => take(item)}
                className="cursor-pointer rounded-sm px-2 py-1 select-none hover:bg-hover aria-selected:bg-hover"
              >
                {drawItem(item)}
              </div>
            ))
          : null}
      </div>
    </div>
  );
}
