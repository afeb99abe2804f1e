'use client';

import { clsx } from 'clsx';
import { type ReactNode, useCallback, useState } from 'react';
import { LazyPopover } from '@/components/ui/floating';
import { Visible } from '@/components/ui/visible-text';
import type { Metadata } from '@/lib/sandbox/schema';
import { visibleText } from '@/lib/visible-text';
import { fitChips, type MetadataEntry, nameRest } from './fit-chips';

type Pick = (key: string, value: string) => void;

const CHIP = 'rounded-sm border border-line bg-surface px-1.5 font-mono text-[11px] leading-[18px]';
const SHAPES = {
  whole: 'inline-block max-w-full whitespace-pre-wrap break-words text-left',
  /** On one line of a row. */
  cut: 'min-w-0 max-w-60 truncate',
  /** As `cut`, and it gives way first. */
  last: 'min-w-0 max-w-60 shrink-[9999] truncate',
};

type ChipProps = { entry: MetadataEntry; shape?: keyof typeof SHAPES; onPick?: Pick | undefined };

/** One entry. As a box of its own, it keeps its bidirectional text from affecting its surroundings. */
function Chip({ entry, shape = 'whole', onPick }: ChipProps) {
  const [key, value] = entry;
  const className = clsx(CHIP, SHAPES[shape]);
  if (onPick === undefined)
    return (
      <span className={className}>
        <MetadataText entry={entry} />
      </span>
    );
  return (
    <button
      type="button"
      tabIndex={shape === 'whole' ? undefined : -1}
      title={`Filter by ${visibleText(key)}=${visibleText(value)}`}
      onClick={() => onPick(key, value)}
      className={clsx(className, 'hover:border-ink-3')}
    >
      <MetadataText entry={entry} />
    </button>
  );
}

/** Metadata as chips with the whole text, as before an irreversible action. */
export function MetadataChips({ metadata, onPick }: { metadata: Metadata; onPick?: Pick }) {
  return Object.entries(metadata).map((entry) => <Chip key={entry[0]} entry={entry} onPick={onPick} />);
}

type FittedProps = {
  metadata: Metadata;
  /** Keys to leave out, because they are shown elsewhere. */
  without?: ReadonlySet<string>;
  /** Keys to show after the others, because all rows have the same value. */
  last?: ReadonlySet<string>;
  /** The width of the line, px. */
  widthPx: number;
  onPick?: Pick;
  onMore: ShowMore;
  /** Whether Tab stops at the number of the others. */
  isTabStop?: boolean;
};

/** The chips that fit on one line, and the number of the others, which opens all of them. */
export function FittedChips({
  metadata,
  without,
  last,
  widthPx,
  onPick,
  onMore,
  isTabStop = true,
}: FittedProps) {
  const all = Object.entries(metadata).filter(([key]) => !without?.has(key));
  const entries = last?.size
    ? [...all.filter(([key]) => !last.has(key)), ...all.filter(([key]) => last.has(key))]
    : all;
  const shown = fitChips(entries, widthPx);
  const rest = entries.slice(shown);
  const name = rest.length === 0 ? '' : nameRest(rest);
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      {entries.slice(0, shown).map((entry, at) => (
        <Chip key={entry[0]} entry={entry} shape={at === shown - 1 ? 'last' : 'cut'} onPick={onPick} />
      ))}
      {rest.length === 0 ? null : (
        <button
          type="button"
          tabIndex={isTabStop ? 0 : -1}
          aria-haspopup="dialog"
          aria-label={name}
          title={name}
          onPointerEnter={LazyPopover.preload}
          onClick={(event) => onMore(metadata, event.currentTarget)}
          className="shrink-0 rounded-sm px-0.5 text-ink-3 leading-5 hover:text-accent"
        >
          +{rest.length}
        </button>
      )}
    </div>
  );
}

export type ShowMore = (metadata: Metadata, anchor: HTMLElement) => void;

/** One popover for all metadata of a sandbox, shared by many rows. Render `popover` once. */
export function useMoreMetadata(onPick?: Pick): { showMore: ShowMore; popover: ReactNode } {
  const [open, setOpen] = useState<{ metadata: Metadata; anchor: HTMLElement } | null>(null);
  const showMore = useCallback<ShowMore>(
    (metadata, anchor) => setOpen((now) => (now?.anchor === anchor ? null : { metadata, anchor })),
    [],
  );
  const close = () => setOpen(null);
  const pick =
    onPick &&
    ((key: string, value: string) => {
      close();
      onPick(key, value);
    });
  const popover = (
    <LazyPopover title="Metadata" anchor={open?.anchor ?? null} onClose={close}>
      <div className="flex max-h-80 flex-wrap gap-1.5 overflow-y-auto">
        {open === null ? null : <MetadataChips metadata={open.metadata} {...(pick && { onPick: pick })} />}
      </div>
    </LazyPopover>
  );
  return { showMore, popover };
}

/** A metadata entry as text, such as `owner=ana`. */
export function MetadataText({
  entry: [key, value],
  maxChars = Number.POSITIVE_INFINITY,
}: {
  entry: MetadataEntry;
  /** Longer keys and values are cut. */
  maxChars?: number;
}) {
  return (
    <>
      <span className="text-ink-3">
        <Visible text={key.slice(0, maxChars)} />=
      </span>
      <Visible text={value.slice(0, maxChars)} />
    </>
  );
}
