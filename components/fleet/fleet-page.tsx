'use client';

import { useRouter } from 'next/navigation';
import { useQueryState } from 'nuqs';
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { useActs } from '@/components/operations/use-acts';
import { LazyNewSandboxDialog } from '@/components/sandbox/lazy-new-sandbox';
import { Button } from '@/components/ui/button';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { countFacets, facetsOf, metadataKeysOf } from '@/lib/fleet/facets';
import { metadataTerm, type Term } from '@/lib/fleet/filter';
import { toggleTerm, withTerm } from '@/lib/fleet/filter-edit';
import { indexSandbox } from '@/lib/fleet/row-index';
import { printSort, type Sort } from '@/lib/fleet/sort';
import { DEFAULT_SORT, type FirstScreen, sortFrom } from '@/lib/fleet/view';
import { paths } from '@/lib/paths';
import { ColumnChooser } from './column-chooser';
import { keyOfColumn } from './columns';
import { FacetRow } from './facet-row';
import { FilterBar, FilterErrorLine } from './filter-bar';
import { FleetEmpty } from './fleet-empty';
import { FleetTable } from './fleet-table';
import { StaleBanner } from './stale-banner';
import { useColumns } from './use-columns';
import { useActsUnderWay, useFleetView, useLiveState, useMatchingRows, useSteadyRows } from './use-fleet';

type Props = {
  first: FirstScreen;
  role: Role;
  /** Whether the upstream is the local engine, which can make a demo fleet. */
  isLocal: boolean;
  rememberedColumns: string | null;
};

const FACET_VALUES = 4;

/** The fleet: filter, what to narrow down by, the rows, and the acts on each. */
export function FleetPage({ first, role, isLocal, rememberedColumns }: Props) {
  const router = useRouter();
  const view = useFleetView();
  const live = useLiveState();
  const underWay = useActsUnderWay();
  const [text, setText] = useFilterText();
  const [sortText, setSortText] = useQueryState('sort');
  const sort = sortFrom(sortText);
  const { shown: columns, choice, toggle } = useColumns(rememberedColumns);
  const { matching, error } = useMatchingRows(view.rows, first, { text, sort });
  const { handlers, dialogs, isOpen } = useActs(text);
  const [pointerIsOver, setPointerIsOver] = useState(false);
  const steady = useSteadyRows(matching, pointerIsOver || isOpen, `${text} ${printSort(sort)}`);
  const [isCreating, setIsCreating] = useState(false);
  const filterInput = useRef<HTMLInputElement>(null);
  useSlashToFocus(filterInput);

  // Counting the whole fleet takes longer than filtering it, so it follows the rows instead of holding them up.
  const countedRows = useDeferredValue(matching);
  const counts = useMemo(() => countFacets(countedRows), [countedRows]);
  const facets = useMemo(() => facetsOf(counts, { limit: FACET_VALUES }), [counts]);
  const allCounts = useMemo(
    () => countFacets(view.rows ?? first.sandboxes.map(indexSandbox)),
    [view.rows, first],
  );

  const columnKey = choice.join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `columnKey` says all that `choice` says.
  const cell = useMemo(
    () => ({
      nowMs: first.nowMs,
      keyColumns: new Set(choice.flatMap((id) => keyOfColumn(id) ?? [])),
      onPick: (key: string, value: string) => setText((now) => withTerm(now, metadataTerm(key, value))),
    }),
    [first.nowMs, columnKey, setText],
  );
  const rowHandlers = useMemo(
    () => ({ ...handlers, onOpen: ({ id }: { id: string }) => router.push(paths.sandbox(id)) }),
    [handlers, router],
  );

  const total = view.rows?.length ?? first.total;
  const matchCount = view.rows === null ? first.matching : matching.length;
  const isEmpty = total === 0 && (view.rows !== null || first.status.asOfMs !== null);
  const status = view.rows === null ? first.status : view.status;

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Sandboxes</h1>
      <StaleBanner status={status} live={live} nowMs={first.nowMs} />
      {isEmpty ? (
        <FleetEmpty
          canCreate={roleSuffices(role, 'operator')}
          demoOffered={isLocal}
          onNew={() => setIsCreating(true)}
        />
      ) : (
        <>
          <div className="flex flex-col gap-2 border-line border-b px-5 pt-4 pb-2.5">
            <div className="flex items-start gap-2.5">
              <FilterBar
                text={text}
                onChange={setText}
                error={error}
                counts={allCounts}
                inputRef={filterInput}
              >
                {matchCount === total ? total : `${matchCount} of ${total}`}
              </FilterBar>
              <ColumnChooser choice={choice} keys={metadataKeysOf(allCounts)} onToggle={toggle} />
              <NewButton role={role} onClick={() => setIsCreating(true)} />
            </div>
            {error ? (
              <FilterErrorLine error={error} text={text} />
            ) : (
              <FacetRow
                facets={facets}
                text={text}
                onToggle={(term: Term) => setText((now) => toggleTerm(now, term))}
              />
            )}
          </div>
          <HeldNews arrived={steady.arrived} gone={steady.gone.size} onUpdate={steady.update} />
          {matchCount === 0 ? (
            <NothingMatches onClear={() => setText('')} />
          ) : (
            <FleetTable
              rows={steady.rows}
              rowCount={matchCount}
              gone={steady.gone}
              underWay={underWay}
              columns={columns}
              cell={cell}
              sort={sort}
              onSort={(next: Sort) =>
                void setSortText(printSort(next) === printSort(DEFAULT_SORT) ? null : printSort(next))
              }
              onHold={setPointerIsOver}
              handlers={rowHandlers}
              role={role}
            />
          )}
        </>
      )}
      {dialogs}
      <LazyNewSandboxDialog
        open={isCreating}
        onClose={() => setIsCreating(false)}
        onCreated={(id) => router.push(paths.sandbox(id))}
      />
    </main>
  );
}

/** The filter's text, kept in the URL a little behind the typing. One from a link ends in a chip, not in a draft. */
function useFilterText() {
  const [inUrl, setInUrl] = useQueryState('q', { defaultValue: '', history: 'replace', throttleMs: 300 });
  const [text, setText] = useState(() => (inUrl === '' ? '' : `${inUrl} `));
  // Back and forward, or a link within the app: the URL changed without us.
  const [written, setWritten] = useState(inUrl);
  if (inUrl !== written) {
    setWritten(inUrl);
    if (inUrl !== text.trim()) setText(inUrl === '' ? '' : `${inUrl} `);
  }
  const latest = useRef(text);
  latest.current = text;
  const change = useCallback(
    (next: string | ((now: string) => string)) => {
      const value = typeof next === 'function' ? next(latest.current) : next;
      latest.current = value;
      setText(value);
      void setInUrl(value.trim() || null);
    },
    [setInUrl],
  );
  return [text, change] as const;
}

/** `/` goes to the filter, unless somebody is typing somewhere. */
function useSlashToFocus(input: { current: HTMLInputElement | null }) {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      const target = event.target as HTMLElement | null;
      const isTyping = target?.closest(
        'input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog]',
      );
      if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey || isTyping) return;
      event.preventDefault();
      input.current?.focus();
    }
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [input]);
}

function NewButton({ role, onClick }: { role: Role; onClick: () => void }) {
  const may = roleSuffices(role, 'operator');
  return (
    <Button
      tone="primary"
      size="lg"
      disabled={!may}
      title={may ? undefined : 'This needs the role operator.'}
      onClick={onClick}
    >
      New sandbox
    </Button>
  );
}

/** What has changed while the rows stood still under the pointer. */
function HeldNews({ arrived, gone, onUpdate }: { arrived: number; gone: number; onUpdate: () => void }) {
  if (arrived === 0 && gone === 0) return null;
  const news = [arrived > 0 ? `${arrived} new` : '', gone > 0 ? `${gone} gone` : '']
    .filter(Boolean)
    .join(', ');
  return (
    <div className="relative z-20 h-0">
      <button
        type="button"
        onClick={onUpdate}
        className="-translate-x-1/2 absolute top-1 left-1/2 rounded-full border border-line bg-raise px-3 py-0.5 text-small shadow-float"
      >
        {news} since you are pointing here · <span className="text-accent">show</span>
      </button>
    </div>
  );
}

function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center gap-3 px-5 pt-[12vh]">
      <p className="text-ink-2">No sandbox passes this filter.</p>
      <Button onClick={onClear}>Clear the filter</Button>
    </div>
  );
}
