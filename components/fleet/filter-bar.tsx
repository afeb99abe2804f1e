'use client';

import { clsx } from 'clsx';
import { ListFilter, X } from 'lucide-react';
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Combobox } from '@/components/ui/combobox';
import { isOnMac } from '@/components/ui/kbd';
import { toast } from '@/components/ui/toast';
import { Visible } from '@/components/ui/visible-text';
import { joinChips, removeTerm, splitForChips } from '@/lib/fleet/filter/edit';
import type { FacetCounts } from '@/lib/fleet/filter/facets';
import type { FilterError } from '@/lib/fleet/filter/filter';
import { countIds, idsInPasted, MAX_PASTED_IDS, withIds } from '@/lib/fleet/filter/pasted-ids';
import { type Suggestion, suggest } from '@/lib/fleet/filter/suggest';
import { unlessComposing } from '@/lib/key-events';
import { visibleText } from '@/lib/visible-text';

type Props = {
  text: string;
  onChange: (text: string) => void;
  error: FilterError | null;
  /** The counts of the rows that the finished terms leave, for suggestions. */
  counts: FacetCounts;
  /** Whether a fleet has a sandbox with this id. */
  isKnown: (id: string) => boolean;
  /** The filter for pasted ids, which may be in connections that the filter leaves out. */
  widen: (text: string, ids: readonly string[]) => string;
  /** Holds the suggestions. */
  listSlot: HTMLElement | null;
  /** The number of matches. */
  children: ReactNode;
  inputRef: RefObject<HTMLInputElement | null>;
};

/** The filter: finished terms as chips, the term being typed, and suggestions. */
export function FilterBar({
  text,
  onChange,
  error,
  counts,
  isKnown,
  widen,
  listSlot,
  children,
  inputRef,
}: Props) {
  const { committed, draft, draftFrom } = useMemo(() => splitForChips(text), [text]);
  const [caret, setCaret] = useState(draft.length);
  const terms = useRef<HTMLDivElement>(null);
  /** Whether all terms are selected as one text: the browser selects no more than the input. */
  const [areAllSelected, setAreAllSelected] = useState(false);
  const suggestions = useMemo(
    () => suggest(text, draftFrom + Math.min(caret, draft.length), counts),
    [text, draftFrom, caret, draft.length, counts],
  );
  const chips = committed.map((chip) => chip.text);
  const [first] = suggestions;
  const typed = draft.trimStart().toLowerCase();
  const completion = typed !== '' && first?.label.toLowerCase().startsWith(typed) ? first : undefined;

  function takeSuggestion({ insert }: Suggestion) {
    setAreAllSelected(false);
    onChange(insert);
    setCaret(insert.length);
  }

  /** Turns pasted ids into one term. Other text goes into the input. */
  function onPaste(event: ClipboardEvent<HTMLInputElement>) {
    const ids = idsInPasted(event.clipboardData.getData('text'), isKnown);
    if (ids === null) return;
    event.preventDefault();
    const next = withIds(widen(areAllSelected ? '' : text, ids), ids);
    const count = countIds(next);
    if (count > MAX_PASTED_IDS) {
      toast.error(`${count} IDs are too many for a filter`, {
        description: `Paste at most ${MAX_PASTED_IDS} at a time. A longer link could not be opened again.`,
      });
      return;
    }
    onChange(next);
    setCaret(draft.length);
    setAreAllSelected(false);
  }

  /** Turns the finished term into a chip. It is then no longer matched as a prefix. */
  function commitDraft() {
    if (error === null && draft.trim() !== '') onChange(`${text} `);
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const last = chips.at(-1);
    const { selectionStart, selectionEnd } = event.currentTarget;
    if (event.key === 'ArrowLeft' && selectionStart === 0 && selectionEnd === 0 && last !== undefined) {
      event.preventDefault();
      [...(terms.current?.querySelectorAll('button') ?? [])].at(-1)?.focus();
    }
    if (event.key === 'Backspace' && draft === '' && last !== undefined) {
      event.preventDefault();
      // Puts the term back into the input instead of deleting it.
      onChange(joinChips(chips.slice(0, -1), last));
    }
  }

  /** Selects all terms, and deletes them. Any other key ends the selection; what it types replaces the terms. */
  function onAnyKey(event: KeyboardEvent) {
    const isMod = isOnMac() ? event.metaKey : event.ctrlKey;
    if (isMod && event.key.toLowerCase() === 'a' && event.target === inputRef.current)
      setAreAllSelected(chips.length > 0);
    else if (areAllSelected && (event.key === 'Backspace' || event.key === 'Delete')) {
      event.preventDefault();
      event.stopPropagation();
      onChange('');
      setAreAllSelected(false);
    } else if (event.key.length > 1 && !MODIFIERS.has(event.key)) setAreAllSelected(false);
  }

  function onCopy(event: ClipboardEvent) {
    if (!areAllSelected) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', text.trim());
    if (event.type !== 'cut') return;
    onChange('');
    setAreAllSelected(false);
  }

  /** The arrows move between the buttons that remove a term, and from the last one back into the input. */
  function onTermKey(event: KeyboardEvent) {
    const buttons = [...(terms.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    if (at < 0) return;
    const isRemoving = event.key === 'Delete' || event.key === 'Backspace';
    if (isRemoving) onChange(removeTerm(text, at));
    else if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const next = event.key === 'ArrowLeft' ? buttons[Math.max(0, at - 1)] : buttons[at + 1];
    if (isRemoving || next === undefined) inputRef.current?.focus();
    else next.focus();
  }

  return (
    <div className="relative min-w-0 flex-1 max-sm:basis-full">
      <div className="flex min-h-[38px] items-center gap-1.5 rounded-md border border-line bg-surface py-[5px] pr-3 pl-2.5 focus-within:border-accent focus-within:ring-3 focus-within:ring-accent/20">
        <ListFilter size={15} aria-hidden className="shrink-0 text-ink-3" />
        <div
          ref={terms}
          role="group"
          aria-label="Terms"
          onKeyDownCapture={unlessComposing(onAnyKey)}
          onKeyDown={unlessComposing(onTermKey)}
          onCopy={onCopy}
          onCut={onCopy}
          onBlur={() => setAreAllSelected(false)}
          onPointerDown={() => setAreAllSelected(false)}
          className="flex min-w-0 flex-1 flex-wrap items-center gap-1.5"
        >
          {committed.map((chip, index) => (
            <Chip
              // biome-ignore lint/suspicious/noArrayIndexKey: a term may occur twice.
              key={`${index} ${chip.text}`}
              text={chip.text}
              isSelected={areAllSelected}
              onRemove={() => onChange(removeTerm(text, index))}
            />
          ))}
          <Combobox
            label="Filter sandboxes"
            placeholder={
              chips.length === 0 ? 'Filter: environment=development  state:paused  age>2h  or any text' : ''
            }
            value={draft}
            onChange={(value, at) => {
              onChange(joinChips(areAllSelected ? [] : chips, value));
              setCaret(at);
              setAreAllSelected(false);
            }}
            onCaret={setCaret}
            items={suggestions}
            itemKey={({ label }) => label}
            drawItem={(item) => <SuggestionLine {...item} />}
            onTake={takeSuggestion}
            onDone={commitDraft}
            isInvalid={error !== null}
            describedBy={error ? 'filter-error' : undefined}
            inputRef={inputRef}
            onOtherKey={onKeyDown}
            completion={completion}
            onPaste={onPaste}
            listSlot={listSlot}
            className="min-w-20 flex-1 sm:min-w-32"
          />
        </div>
        <span className="shrink-0 whitespace-nowrap text-ink-2">{children}</span>
        {text === '' ? null : (
          <button
            type="button"
            aria-label="Clear filter"
            onClick={() => onChange('')}
            className="rounded-sm p-0.5 text-ink-3 hover:bg-hover hover:text-ink"
          >
            <X size={14} aria-hidden />
          </button>
        )}
      </div>
    </div>
  );
}

/** These end no selection. */
const MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'Control', 'Meta', 'Alt']);

type ChipProps = { text: string; isSelected: boolean; onRemove: () => void };

function Chip({ text, isSelected, onRemove }: ChipProps) {
  return (
    <span
      translate="no"
      title={visibleText(text)}
      className={clsx(
        'inline-flex h-[26px] max-w-80 items-center rounded-sm border pl-2 font-mono text-small',
        isSelected ? 'border-accent bg-selected' : 'border-line bg-hover',
      )}
    >
      <Visible text={text} className="truncate" />
      <button
        type="button"
        // The input's left arrow reaches it, and its Backspace takes the last term back.
        tabIndex={-1}
        aria-label={`Remove ${visibleText(text)}`}
        onClick={onRemove}
        className="ml-0.5 flex h-full items-center rounded-r-sm px-1.5 text-ink-3 hover:text-ink"
      >
        <X size={12} aria-hidden />
      </button>
    </span>
  );
}

function SuggestionLine({ label, count }: Suggestion) {
  return (
    <span className="flex items-center justify-between gap-1.5">
      <Visible text={label} className="truncate font-mono text-small" />
      {count === undefined ? null : <span className="text-ink-3 text-small">{count}</span>}
    </span>
  );
}

type ErrorProps = {
  error: FilterError;
  text: string;
  /** Whether a finished term is invalid, so that no rows are shown. */
  isWrong: boolean;
};

/** Shows the invalid part of the filter and the rows that are shown meanwhile. */
export function FilterErrorLine({ error, text, isWrong }: ErrorProps) {
  const spot = text.slice(error.from, Math.max(error.to, error.from + 1));
  return (
    <p
      id="filter-error"
      role="alert"
      className="flex min-h-6 max-w-full shrink-0 flex-wrap items-center gap-x-2"
    >
      {spot.trim() === '' ? null : (
        <Visible
          text={spot}
          className="max-w-60 truncate font-mono underline decoration-wavy decoration-danger underline-offset-4"
        />
      )}
      <span className="text-ink-2">
        {/* The suggestions say as much of a term that is being typed, and need the room. */}
        <Visible
          text={error.message}
          className={isWrong ? undefined : 'group-has-[[role=listbox]:not([hidden])]/line:hidden'}
        />{' '}
        {isWrong ? 'No sandboxes are shown until it is corrected.' : 'This term does not filter yet.'}
      </span>
    </p>
  );
}
