'use client';

import { useRef, useState } from 'react';
import { useOffers } from '@/components/data/use-offers';
import { Checkbox } from '@/components/ui/checkbox';
import { PopoverButton } from '@/components/ui/popover-button';
import { Visible } from '@/components/ui/visible-text';
import type { MetadataKey } from '@/lib/fleet/filter/facets';
import { FLEET_COLUMNS, keyColumnId } from './columns';

type Props = { choice: readonly string[]; keys: readonly MetadataKey[]; onToggle: (id: string) => void };

const MAX_KEYS = 40;

/** Chooses the columns. Every metadata key can be one. */
export function ColumnChooser({ choice, keys, onToggle }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  useOffers(() => [
    {
      id: 'fleet:columns',
      group: 'page',
      title: 'Columns…',
      words: 'show hide metadata',
      onRun: () => setAnchor(button.current),
    },
  ]);
  return (
    <PopoverButton label="Columns" buttonRef={button} anchor={anchor} onAnchor={setAnchor}>
      <div className="flex max-h-96 flex-col overflow-y-auto">
        {Object.entries(FLEET_COLUMNS).map(([id, { title }]) => (
          <Choice
            key={id}
            label={title}
            isOn={choice.includes(id)}
            isFixed={id === 'id'}
            onToggle={() => onToggle(id)}
          />
        ))}
        {keys.length > 0 ? <div className="mt-2 mb-1 text-ink-3 text-small">Metadata keys</div> : null}
        {keys.slice(0, MAX_KEYS).map(({ key, count }) => (
          <Choice
            key={key}
            label={key}
            count={count}
            isOn={choice.includes(keyColumnId(key))}
            onToggle={() => onToggle(keyColumnId(key))}
          />
        ))}
      </div>
    </PopoverButton>
  );
}

type ChoiceProps = { label: string; count?: number; isOn: boolean; isFixed?: boolean; onToggle: () => void };

function Choice({ label, count, isOn, isFixed, onToggle }: ChoiceProps) {
  return (
    <label className="flex items-center gap-2 rounded-sm px-1 py-1 hover:bg-hover">
      <Checkbox checked={isOn} disabled={isFixed} onChange={onToggle} />
      <Visible text={label} className="min-w-0 flex-1 truncate" />
      {count === undefined ? null : <span className="text-ink-3 text-small">{count}</span>}
    </label>
  );
}
