'use client';

import { clsx } from 'clsx';
import { ChevronDown } from 'lucide-react';
import { useRef, useState } from 'react';
import { LazyPopover } from '@/components/ui/floating';
import { useWidth } from '@/components/ui/use-width';
import { Visible } from '@/components/ui/visible-text';
import { hasTerm } from '@/lib/fleet/filter/edit';
import type { Facet, FacetValue } from '@/lib/fleet/filter/facets';
import type { Term } from '@/lib/fleet/filter/filter';
import { visibleText } from '@/lib/visible-text';
import { fitFacets, INLINE_VALUES } from './fit-facets';

type Props = { facets: readonly Facet[]; text: string; onToggle: (term: Term) => void };

/** The width assumed on the server. The browser measures. */
const SERVER_WIDTH_PX = 1240;

/**
 * The most common values, with their counts among the matching rows. A click adds or removes the filter term. Facets that do
 * not fit show only their name, so that every one of them is within reach; each opens a list of all its values.
 */
export function FacetRow({ facets, text, onToggle }: Props) {
  const row = useRef<HTMLDivElement>(null);
  const width = useWidth(row, SERVER_WIDTH_PX);
  const [open, setOpen] = useState<{ id: string; anchor: HTMLElement } | null>(null);
  const expanded = fitFacets(facets, width);
  const opened = facets.find((facet) => idOf(facet) === open?.id) ?? null;
  return (
    <>
      <div
        ref={row}
        className="flex h-6 min-w-0 flex-1 items-center gap-x-5 overflow-x-auto [scrollbar-width:none]"
        role="group"
        aria-label="Quick filters"
      >
        {facets.map((facet, at) => (
          <FacetValues
            key={idOf(facet)}
            facet={facet}
            isExpanded={expanded[at] === true}
            isOpen={open?.id === idOf(facet)}
            text={text}
            onToggle={onToggle}
            onOpen={(anchor) => setOpen(open === null ? { id: idOf(facet), anchor } : null)}
          />
        ))}
      </div>
      <LazyPopover
        title={visibleText(opened?.key ?? '')}
        anchor={open?.anchor ?? null}
        onClose={() => setOpen(null)}
      >
        {opened === null ? null : <AllValues facet={opened} text={text} onToggle={onToggle} />}
      </LazyPopover>
    </>
  );
}

function idOf({ kind, key }: Facet): string {
  return `${kind} ${key}`;
}

type FacetProps = {
  facet: Facet;
  isExpanded: boolean;
  isOpen: boolean;
  text: string;
  onToggle: (term: Term) => void;
  onOpen: (anchor: HTMLElement) => void;
};

function FacetValues({ facet, isExpanded, isOpen, text, onToggle, onOpen }: FacetProps) {
  const { key, values, more } = facet;
  const shown = values.filter(({ term }, at) => (isExpanded && at < INLINE_VALUES) || hasTerm(text, term));
  const rest = values.length + more - shown.length;
  const opener = {
    type: 'button',
    'aria-haspopup': 'dialog',
    'aria-expanded': isOpen,
    'aria-label': `All values of ${visibleText(key)}`,
    onPointerEnter: LazyPopover.preload,
    onClick: (event: { currentTarget: HTMLElement }) => onOpen(event.currentTarget),
  } as const;
  return (
    <span className="flex h-6 shrink-0 items-center gap-2.5">
      {isExpanded ? (
        <Visible text={key} className="max-w-40 truncate text-ink-3" />
      ) : (
        <button {...opener} className="flex items-center gap-0.5 rounded-sm text-ink-2 hover:text-ink">
          <Visible text={key} className="max-w-40 truncate" />
          <ChevronDown size={13} aria-hidden />
        </button>
      )}
      {shown.map((value) => (
        <ValueButton key={value.value} {...value} isOn={hasTerm(text, value.term)} onToggle={onToggle} />
      ))}
      {isExpanded && rest > 0 ? (
        <button {...opener} className="rounded-sm px-0.5 text-ink-3 hover:text-accent">
          +{rest}
        </button>
      ) : null}
    </span>
  );
}

type ValueProps = FacetValue & { isOn: boolean; onToggle: (term: Term) => void; className?: string };

function ValueButton({ value, count, term, isOn, onToggle, className }: ValueProps) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={() => onToggle(term)}
      className={clsx(
        'flex min-w-0 items-center gap-1 rounded-sm hover:text-accent',
        isOn ? 'text-accent' : count === 0 && 'text-ink-3',
        className,
      )}
    >
      <Visible text={value === '' ? '""' : value} className="max-w-40 truncate font-medium" />
      <span className="text-ink-3">{count}</span>
    </button>
  );
}

function AllValues({
  facet: { key, values, more },
  text,
  onToggle,
}: Pick<FacetProps, 'facet' | 'text' | 'onToggle'>) {
  return (
    <div className="-mx-1 flex max-h-80 flex-col overflow-y-auto">
      {values.map((value) => (
        <ValueButton
          key={value.value}
          {...value}
          isOn={hasTerm(text, value.term)}
          onToggle={onToggle}
          className="justify-between gap-4 px-1 py-1 hover:bg-hover"
        />
      ))}
      {more > 0 ? (
        <p className="px-1 pt-1 text-ink-3 text-small">
          {more} more. Type <Visible text={`${key}=`} className="font-mono" /> in the filter.
        </p>
      ) : null}
    </div>
  );
}
