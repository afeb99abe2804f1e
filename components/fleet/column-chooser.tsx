'use client';

import { ArrowDown, ArrowUp } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useOffers } from '@/components/data/use-offers';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Input } from '@/components/ui/field';
import { PopoverButton } from '@/components/ui/popover-button';
import { Visible } from '@/components/ui/visible-text';
import type { MetadataKey } from '@/lib/fleet/filter/facets';
import { visibleText } from '@/lib/visible-text';
import { CONNECTION_COLUMN, defaultColumns } from './column-choice';
import { FLEET_COLUMNS, fleetColumn, keyColumnId } from './columns';
import type { ColumnActs } from './use-columns';

type Props = {
  choice: readonly string[];
  keys: readonly MetadataKey[];
  areSeveral: boolean;
  acts: ColumnActs;
  /** `null`: no width was chosen. */
  onResetWidths: (() => void) | null;
};

const MAX_KEYS = 40;
/** With fewer, the list is found at a glance. */
const MIN_TO_FIND = 12;

/** Chooses and orders the columns. Every metadata key can be one. */
export function ColumnChooser(props: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  useOffers(() => [
    {
      id: 'fleet:columns',
      group: 'page',
      title: 'Columns…',
      words: 'show hide move order reset metadata',
      onRun: () => setAnchor(button.current),
    },
  ]);
  return (
    <PopoverButton label="Columns" buttonRef={button} anchor={anchor} onAnchor={setAnchor}>
      <Choices {...props} />
    </PopoverButton>
  );
}

/** The shown columns in their order, then the others. A checkbox leaves the list as it is, so that nothing moves under the pointer. */
function Choices({ choice, keys, areSeveral, acts, onResetWidths }: Props) {
  const [listed, setListed] = useState(choice);
  const [moved, setMoved] = useState<{ id: string; by: 1 | -1 } | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const counts = new Map(keys.map(({ key, count }) => [keyColumnId(key), count]));
  const [find, setFind] = useState('');
  const isFound = (id: string) => (fleetColumn(id)?.title ?? '').toLowerCase().includes(find.toLowerCase());
  const builtIn = Object.keys(FLEET_COLUMNS).filter((id) => areSeveral || id !== CONNECTION_COLUMN);
  const known = [...builtIn, ...keys.map(({ key }) => keyColumnId(key))];
  const kept = listed.filter((id) => choice.includes(id) || known.includes(id));
  const first = kept.filter(isFound);
  const others = known.filter((id) => !kept.includes(id) && isFound(id));
  const rest = others.slice(0, MAX_KEYS);

  function move(id: string, by: 1 | -1) {
    const at = choice.indexOf(id);
    const next = choice.toSpliced(at, 1).toSpliced(at + by, 0, id);
    acts.move(id, at + by);
    setListed(next);
    setMoved({ id, by });
  }

  function reset() {
    acts.reset?.();
    onResetWidths?.();
    setListed(defaultColumns(areSeveral));
  }

  // The browser takes the focus from an element that is moved in the document.
  useEffect(() => {
    if (moved === null) return;
    const buttons = list.current?.querySelectorAll<HTMLElement>('[data-move]') ?? [];
    [...buttons].find(({ dataset }) => dataset.move === `${moved.by} ${moved.id}`)?.focus();
  }, [moved]);

  const line = (id: string) => (
    <Choice
      key={id}
      id={id}
      count={counts.get(id)}
      at={choice.indexOf(id)}
      shown={choice.length}
      onToggle={() => acts.toggle(id)}
      onMove={(by) => move(id, by)}
    />
  );
  const position = moved === null ? -1 : choice.indexOf(moved.id);
  return (
    <>
      {keys.length < MIN_TO_FIND ? null : (
        <Input
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={find}
          onChange={({ target }) => setFind(target.value)}
          className="mb-2 w-full"
        />
      )}
      <div ref={list} className="-mx-1 flex max-h-96 flex-col overflow-y-auto">
        {first.map(line)}
        {rest.length > 0 ? <div className="mt-2 mb-1 px-1 text-ink-3 text-small">More columns</div> : null}
        {rest.map(line)}
        {others.length > rest.length ? (
          <p className="px-1 pt-1 text-ink-3 text-small">
            {others.length - rest.length} more. Find them by name.
          </p>
        ) : null}
        {first.length + rest.length === 0 ? (
          <p className="px-1 py-1 text-ink-2">No column has this name.</p>
        ) : null}
      </div>
      <Button
        className="mt-2"
        unavailable={acts.reset || onResetWidths ? null : 'These are the default columns and widths.'}
        onClick={reset}
      >
        Reset columns
      </Button>
      <div role="status" className="sr-only">
        {moved === null || position < 0
          ? ''
          : `${titleOf(moved.id)}: column ${position + 1} of ${choice.length}`}
      </div>
    </>
  );
}

function titleOf(id: string): string {
  return visibleText(fleetColumn(id)?.title ?? id);
}

type ChoiceProps = {
  id: string;
  count: number | undefined;
  /** Its position among the shown columns, or -1. */
  at: number;
  /** The number of shown columns. */
  shown: number;
  onToggle: () => void;
  onMove: (by: 1 | -1) => void;
};

const MOVES = [
  { by: -1, label: 'Move up', Icon: ArrowUp },
  { by: 1, label: 'Move down', Icon: ArrowDown },
] as const;

function Choice({ id, count, at, shown, onToggle, onMove }: ChoiceProps) {
  return (
    <div className="flex items-center rounded-sm pr-1 hover:bg-hover">
      <label className="flex min-w-0 flex-1 items-center gap-2 px-1 py-1">
        <Checkbox checked={at >= 0} disabled={id === 'id'} onChange={onToggle} />
        <Visible text={fleetColumn(id)?.title ?? id} className="min-w-0 flex-1 truncate" title />
        {count === undefined ? null : <span className="text-ink-3 text-small">{count}</span>}
      </label>
      {at < 0
        ? null
        : MOVES.map(({ by, label, Icon }) => {
            const isLast = at + by < 0 || at + by >= shown;
            return (
              <button
                key={label}
                type="button"
                data-move={`${by} ${id}`}
                aria-label={`${label}: ${titleOf(id)}`}
                title={label}
                aria-disabled={isLast}
                onClick={() => isLast || onMove(by)}
                className="rounded-sm p-1 text-ink-3 hover:text-ink aria-disabled:opacity-35"
              >
                <Icon size={14} aria-hidden />
              </button>
            );
          })}
    </div>
  );
}
