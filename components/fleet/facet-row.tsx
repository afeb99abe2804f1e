'use client';

import { clsx } from 'clsx';
import { Visible } from '@/components/ui/visible-text';
import { hasTerm } from '@/lib/fleet/filter/edit';
import type { Facet } from '@/lib/fleet/filter/facets';
import type { Term } from '@/lib/fleet/filter/filter';

type Props = { facets: readonly Facet[]; text: string; onToggle: (term: Term) => void };

/** The most common values of the matching rows, with counts. A click adds or removes the filter term. */
export function FacetRow({ facets, text, onToggle }: Props) {
  return (
    <div
      className="flex h-6 min-w-0 items-center gap-x-5 overflow-x-auto pr-6 [mask-image:linear-gradient(to_left,transparent,black_24px)] [scrollbar-width:none]"
      role="group"
      aria-label="Quick filters"
    >
      {facets.map((facet) => (
        <span key={`${facet.kind} ${facet.key}`} className="flex h-6 shrink-0 items-center gap-2.5">
          <Visible text={facet.key} className="max-w-40 truncate text-ink-3" />
          {facet.values.map(({ value, count, term }) => {
            const isOn = hasTerm(text, term);
            return (
              <button
                key={value}
                type="button"
                aria-pressed={isOn}
                onClick={() => onToggle(term)}
                className={clsx(
                  'flex items-center gap-1 rounded-sm hover:text-accent',
                  isOn && 'text-accent',
                )}
              >
                <Visible text={value === '' ? '""' : value} className="max-w-40 truncate font-medium" />
                <span className="text-ink-3">{count}</span>
              </button>
            );
          })}
          {facet.more > 0 ? <span className="text-ink-3">+{facet.more}</span> : null}
        </span>
      ))}
    </div>
  );
}
