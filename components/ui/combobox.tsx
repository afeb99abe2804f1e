'use client';

import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useId,
  useState,
} from 'react';
import { createPortal } from 'react-dom';
import { unlessComposing } from '@/lib/key-events';
import { useAfterPress } from './use-after-press';

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
  /** Taken by Tab when no item is active: the rest of what is typed. */
  completion?: T | undefined;
  onPaste?: (event: ClipboardEvent<HTMLInputElement>) => void;
  /** Holds the list, on one line. It covers nothing there; `null` until it exists. */
  listSlot: HTMLElement | null;
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
  // By key: live counts may change the order of the items.
  const [active, setActive] = useState<string | null>(null);
  /** The text while an input method is composing. Half a word must not filter, and changing it would end it. */
  const [composed, setComposed] = useState<string | null>(null);
  const isShown = isOpen && items.length > 0;
  const current = active === null ? -1 : items.findIndex((item) => itemKey(item) === active);
  const optionId = (index: number) => `${listId}-${index}`;

  function change({ value, selectionStart }: HTMLInputElement) {
    props.onChange(value, selectionStart ?? value.length);
    setIsOpen(true);
    setActive(null);
  }

  function take(item: T) {
    onTake(item);
    setActive(null);
    inputRef.current?.focus();
  }

  function move(step: number) {
    setIsOpen(true);
    // Moving past either end activates no item.
    const next = current + step;
    const wrapped = next < -1 ? items.length - 1 : next >= items.length ? -1 : next;
    const item = items[wrapped];
    setActive(item === undefined ? null : itemKey(item));
    document.getElementById(optionId(wrapped))?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  function finish() {
    setIsOpen(false);
    props.onDone();
  }
  const finishAfterPress = useAfterPress(finish);

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const item = items[current];
    const completion = event.key === 'Tab' && !event.shiftKey ? props.completion : undefined;
    if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else if ((event.key === 'Enter' || event.key === 'Tab') && isShown && item !== undefined) take(item);
    else if (isShown && completion !== undefined) take(completion);
    else if (event.key === 'Enter') finish();
    else if (event.key === 'Escape' && isShown) setIsOpen(false);
    else {
      props.onOtherKey(event);
      return;
    }
    event.preventDefault();
  }

  const list = (
    <div
      id={listId}
      role="listbox"
      aria-label="Suggestions"
      aria-orientation="horizontal"
      // A list that scrolls would be a stop of Tab.
      tabIndex={-1}
      hidden={!isShown}
      className="flex h-6 min-w-0 flex-1 basis-64 items-center gap-1.5 overflow-x-auto [scrollbar-width:none] [&[hidden]]:hidden"
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
              // What looks highlighted is what Enter and Tab take. Not on enter: the list may appear under a resting pointer.
              onPointerMove={() => setActive(itemKey(item))}
              onClick={() => take(item)}
              className="shrink-0 cursor-pointer select-none rounded-sm border border-line bg-raise px-2 leading-[22px] aria-selected:border-accent aria-selected:bg-selected"
            >
              {drawItem(item)}
            </div>
          ))
        : null}
    </div>
  );

  return (
    <div className={props.className}>
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
        onBlur={finishAfterPress}
        onPaste={props.onPaste}
        onKeyDown={unlessComposing(onKeyDown)}
        className="h-[26px] w-full text-ellipsis bg-transparent font-mono text-small outline-none placeholder:font-sans"
      />
      {props.listSlot === null ? null : createPortal(list, props.listSlot)}
    </div>
  );
}
