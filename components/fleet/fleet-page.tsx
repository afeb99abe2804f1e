'use client';

import { useRouter } from 'next/navigation';
import { useCallback, useMemo, useRef, useState } from 'react';
import { useActsUnderWay, useFleetView } from '@/components/data/use-fleet';
import { useOffers } from '@/components/data/use-offers';
import { rolesOf } from '@/components/data/use-person';
import { useUrlState } from '@/components/data/use-url-state';
import { useActs } from '@/components/operations/use-acts';
import { useMoreMetadata } from '@/components/sandbox/metadata-chips';
import { HeldNews } from '@/components/ui/held-news';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Toolbar } from '@/components/ui/toolbar';
import { type FleetStatus, NOTHING_READ } from '@/lib/fleet/delta';
import { toggleTerm, withTerm } from '@/lib/fleet/filter/edit';
import { keysOfOneValue, metadataKeysOf } from '@/lib/fleet/filter/facets';
import { metadataTerm, parseFilter, type Term } from '@/lib/fleet/filter/filter';
import { finishedText } from '@/lib/fleet/filter/in-force';
import { connectionsIn, narrowTo } from '@/lib/fleet/filter/narrowing';
import { onlyIdIn } from '@/lib/fleet/filter/pasted-ids';
import { fleets, NO_FLEETS } from '@/lib/fleet/fleets';
import { printSort, type Sort } from '@/lib/fleet/sort';
import { DEFAULT_SORT, type FirstScreen, indexFleets, sortFrom } from '@/lib/fleet/view';
import { type Grants, grantsFingerprint } from '@/lib/grants';
import { fromJson, type JsonOf } from '@/lib/json-of';
import { paths } from '@/lib/paths';
import { roleSuffices } from '@/lib/roles';
import { MAX_READ_ONE_BY_ONE } from '@/lib/sandbox/limits';
import { keyOf, type SandboxKey } from '@/lib/sandbox-key';
import type { SavedView } from '@/lib/views/schema';
import { ColumnChooser } from './column-chooser';
import { keyOfColumn } from './columns';
import { emptyText } from './empty-text';
import { FacetRow } from './facet-row';
import { FilterBar, FilterErrorLine } from './filter-bar';
import { FleetBanners } from './fleet-banners';
import { fleetCommands } from './fleet-commands';
import { FleetEmpty } from './fleet-empty';
import { FleetSkeleton, NewButton, NothingMatches } from './fleet-states';
import { FleetTable } from './fleet-table';
import { LazyNewSandboxDialog, LazySelectionDock } from './lazy';
import { NoConnections } from './no-connections';
import { countText } from './selection-text';
import { useColumns, useFittedColumns } from './use-columns';
import { useCounts } from './use-counts';
import { useFilterText, useSlashToFocus } from './use-filter-text';
import { useFleetPlace } from './use-fleet-place';
import { useMatchingRows, useStableRows } from './use-rows';
import { useEscapeToClear, useSelection } from './use-selection';
import { ViewsButton } from './views-button';

/** Whether a fleet of this tab has a sandbox with this id. */
const isKnownId = (id: string) => fleets().hasId(id);

/** Without its connection terms, if one of the ids is in a connection that they leave out. */
function widenFor(text: string, ids: readonly string[]): string {
  const view = fleets().view();
  const left = connectionsIn(
    parseFilter(text).filter,
    view.connections.map(({ name }) => name),
  );
  const isOutside = ids.some(
    (id) => fleets().hasId(id) && !left.some((name) => fleets().find(keyOf(name, id))),
  );
  return isOutside ? narrowTo(text) : text;
}

type Props = {
  first: JsonOf<FirstScreen>;
  grants: Grants;
  rememberedColumns: string | null;
  rememberedWidths?: string | null;
  /** The saved views of this person and of the team. */
  views: readonly SavedView[];
  /** The metadata key that protects a sandbox from bulk actions. */
  protectedKey: string;
  /** The maximum number of sandboxes in one operation. */
  bulkLimit: number;
};

/** The reason that no bulk action is available while the filter has an error. */
const FILTER_IN_THE_WAY = 'Correct the filter first. The rows do not follow all of it.';

/** The fleet: the filter, quick filters, the rows and the actions on them. */
export function FleetPage({
  first: served,
  grants: granted,
  rememberedColumns,
  rememberedWidths = null,
  views,
  protectedKey,
  bulkLimit,
}: Props) {
  const router = useRouter();
  // Another object for each rendering on the server.
  const fingerprint = grantsFingerprint(granted);
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal grants have an equal fingerprint.
  const grants = useMemo(() => granted, [fingerprint]);
  const roles = useMemo(() => rolesOf(grants), [grants]);
  const first = useMemo(() => fromJson(served), [served]);
  const servedFleets = useMemo(
    () => ({ ...first, statuses: new Map(Object.entries(first.statuses)) }),
    [first],
  );
  const view = useFleetView();
  const underWay = useActsUnderWay();
  const [text, setText] = useFilterText();
  const [firstText] = useState(text);
  const [sortText, setSortText] = useUrlState('sort');
  const sort = sortFrom(sortText);
  const hasArrived = view.rows !== null || (view !== NO_FLEETS && view.connections.length === 0);
  const { status, connections, statuses } = hasArrived ? view : servedFleets;
  const areSeveral = connections.length > 1;
  const { shown: columns, choice, acts: columnActs } = useColumns(rememberedColumns, areSeveral);
  const { matching, filter, error, isWrong } = useMatchingRows(view.rows, first, { text, sort });
  const { handlers, dialogs, isOpen } = useActs(text.trim());
  const [pointerIsOver, setPointerIsOver] = useState(false);
  const stable = useStableRows(matching, {
    all: view.rows ?? matching,
    held: pointerIsOver || isOpen,
    request: `${text} ${printSort(sort)}`,
  });
  const selection = useSelection({ matching, all: view.rows, stable });
  const grid = useRef<HTMLDivElement>(null);
  useFleetPlace(grid, text);
  const [coveredPx, setCoveredPx] = useState(0);
  const clearSelection = selection.acts.clear;
  const isSelecting = selection.rows.length > 0 || selection.hidden > 0;
  useEscapeToClear(clearSelection, isSelecting && !isOpen);
  const [isCreating, setIsCreating] = useState(false);
  const filterInput = useRef<HTMLInputElement>(null);
  useSlashToFocus(filterInput);

  const all = useMemo(() => view.rows ?? indexFleets(first), [view.rows, first]);
  const { allCounts, facets, suggestCounts } = useCounts(all, matching, { text, filter });
  const {
    shown: fittedColumns,
    resize,
    resetWidths,
  } = useFittedColumns(columns, allCounts, rememberedWidths);
  const [listSlot, setListSlot] = useState<HTMLElement | null>(null);

  const open = useCallback(({ key }: { key: SandboxKey }) => router.push(paths.sandbox(key)), [router]);
  const pick = useCallback(
    (key: string, value: string) => setText((now) => withTerm(now, metadataTerm(key, value))),
    [setText],
  );
  const more = useMoreMetadata(pick);
  // As text, because the filter is another object for each character that is typed.
  const filteredKeys = JSON.stringify(keysOfOneValue(filter));
  const columnKey = choice.join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `columnKey` changes whenever `choice` does.
  const cell = useMemo(
    () => ({
      nowMs: first.nowMs,
      protectedKey,
      connections,
      keyColumns: new Set(choice.flatMap((id) => keyOfColumn(id) ?? [])),
      filteredKeys: new Set<string>(JSON.parse(filteredKeys)),
      onPick: pick,
      onMore: more.showMore,
      onOpen: open,
    }),
    [first.nowMs, protectedKey, connections, columnKey, filteredKeys, pick, more.showMore, open],
  );
  const rowHandlers = useMemo(() => ({ ...handlers, onOpen: open }), [handlers, open]);

  const changeSort = useCallback(
    (next: Sort) => setSortText(printSort(next) === printSort(DEFAULT_SORT) ? null : printSort(next)),
    [setSortText],
  );

  const total = view.rows?.length ?? first.total;
  const matchCount = view.rows === null && text === firstText ? first.matching : matching.length;
  const names = connections.map(({ name }) => name);
  const shownNames = connectionsIn(filter ?? [], names);
  // Until the first complete reading, more sandboxes may arrive.
  const isWhole = names.every((name) => (statuses.get(name) ?? NOTHING_READ).asOfMs !== null);
  // One that cannot be read at all does not keep the others from being empty.
  const isEmpty =
    total === 0 && status.asOfMs !== null && names.every((name) => isSettled(statuses.get(name)));
  const isEndless = selection.rows.some(({ connection }) => statuses.get(connection)?.isEndless);
  const creatable = connections.filter(({ name }) => roleSuffices(roles(name), 'operator'));
  const cannotCreate = creatable.length > 0 ? null : 'Requires the operator role.';
  const canSelect = view.rows !== null && error === null && matchCount > 0;
  useOffers(
    () =>
      fleetCommands({
        cannotCreate,
        matchCount: canSelect ? matchCount : 0,
        isFiltered: text.trim() !== '',
        onNew: () => setIsCreating(true),
        onSelect: selection.acts.selectMatching,
        onClearFilter: () => setText(''),
      }),
    { isFirst: true },
  );
  const demoIn = connections.find(({ name }) => !statuses.get(name)?.lacking.demoFleet)?.name ?? null;
  const cannotFill = demoIn !== null && roles(demoIn) !== 'admin' ? 'Requires the admin role.' : null;
  const count = matchCount === total ? `${total}` : `${matchCount} of ${total}`;

  const banners = (
    <FleetBanners
      connections={connections}
      statuses={statuses}
      shown={shownNames}
      roles={roles}
      nowMs={first.nowMs}
      onHide={(name) =>
        setText((now) => narrowTo(finishedText(now), ...shownNames.filter((other) => other !== name)))
      }
    />
  );

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Sandboxes</h1>
      {connections.length === 0 ? (
        <>
          {banners}
          <NoConnections role={grants.everywhere ?? 'viewer'} />
        </>
      ) : isEmpty ? (
        <>
          {banners}
          <FleetEmpty
            forbidden={cannotCreate}
            demoIn={demoIn}
            cannotFill={cannotFill}
            onNew={() => setIsCreating(true)}
            kinds={connections.map(({ kind }) => kind)}
          />
        </>
      ) : (
        <>
          <Toolbar label="Filter and columns" className="flex flex-col">
            <div className="flex flex-col gap-2 border-line border-b px-3 pt-3 pb-2.5 sm:px-5 sm:pt-4">
              <div className="flex flex-wrap items-start gap-2 sm:gap-2.5">
                <PanelBoundary what="filter">
                  <FilterBar
                    text={text}
                    onChange={setText}
                    error={error}
                    counts={suggestCounts}
                    isKnown={isKnownId}
                    widen={widenFor}
                    listSlot={listSlot}
                    inputRef={filterInput}
                  >
                    {isWhole ? count : `${count} so far`}
                  </FilterBar>
                </PanelBoundary>
                <ViewsButton served={views} grants={grants} />
                <ColumnChooser
                  choice={choice}
                  keys={metadataKeysOf(allCounts)}
                  areSeveral={areSeveral}
                  acts={columnActs}
                  onResetWidths={resetWidths}
                />
                <NewButton unavailable={cannotCreate} onClick={() => setIsCreating(true)} />
              </div>
              <div className="group/line flex min-h-6 flex-wrap items-center gap-x-4 gap-y-1">
                {error ? <FilterErrorLine error={error} text={text} isWrong={isWrong} /> : null}
                <div ref={setListSlot} className="contents" />
                {/* The suggestions take its place, so that they cover no row. */}
                {error ? null : (
                  <div className="flex min-w-0 flex-1 group-has-[[role=listbox]:not([hidden])]/line:hidden">
                    <PanelBoundary what="quick filters">
                      <FacetRow
                        facets={view.rows === null ? first.facets : facets}
                        text={text}
                        onToggle={(term: Term) => setText((now) => toggleTerm(now, term))}
                      />
                    </PanelBoundary>
                  </div>
                )}
              </div>
            </div>
            {/* Above the filter, but last among the controls: a stop of Tab of their own would be one more on the way to the rows. */}
            <div className="order-first">{banners}</div>
            <HeldNews
              arrived={stable.arrived}
              gone={stable.gone.size + stable.hidden.size}
              onUpdate={stable.update}
              onHold={setPointerIsOver}
            />
          </Toolbar>
          {total === 0 ? <FleetSkeleton /> : null}
          {total === 0 ? null : (
            // The focus ring is drawn here, because the rows would cover a ring of the grid itself.
            <div className="relative flex min-h-0 flex-1 flex-col after:pointer-events-none after:absolute after:inset-0 after:z-20 after:ring-accent/60 after:ring-inset has-[>[role=grid]:focus-visible]:after:ring-2">
              <PanelBoundary what="list of sandboxes">
                <FleetTable
                  rows={stable.rows}
                  rowCount={matchCount}
                  gone={stable.gone}
                  hidden={stable.hidden}
                  underWay={underWay}
                  columns={fittedColumns}
                  onResize={resize}
                  onMoveColumn={columnActs.move}
                  cell={cell}
                  sort={sort}
                  onSort={changeSort}
                  onHold={setPointerIsOver}
                  handlers={rowHandlers}
                  roles={roles}
                  selected={selection.keys}
                  selectedRows={selection.rows}
                  head={view.rows === null ? null : selection.head}
                  blocked={error === null ? null : FILTER_IN_THE_WAY}
                  selection={selection.acts}
                  coveredPx={coveredPx}
                  gridRef={grid}
                />
              </PanelBoundary>
              {matchCount === 0 ? (
                <NothingMatches
                  isWrong={isWrong}
                  id={onlyIdIn(filter ?? [])}
                  empty={emptyText(filter, connections, { shown: shownNames, statuses })}
                  onClear={() => setText('')}
                />
              ) : null}
              <PanelBoundary what="actions on the selection">
                <LazySelectionDock
                  rows={selection.rows}
                  hidden={selection.hidden}
                  matching={matchCount}
                  roles={roles}
                  underWay={underWay}
                  protectedKey={protectedKey}
                  bulkLimit={isEndless ? Math.min(bulkLimit, MAX_READ_ONE_BY_ONE) : bulkLimit}
                  blocked={error === null ? null : FILTER_IN_THE_WAY}
                  handlers={handlers}
                  onSelectMatching={selection.acts.selectMatching}
                  onClose={clearSelection}
                  onCover={setCoveredPx}
                />
              </PanelBoundary>
              <div aria-live="polite" className="sr-only">
                {countText(selection)}
              </div>
            </div>
          )}
        </>
      )}
      {dialogs}
      {more.popover}
      <LazyNewSandboxDialog
        connections={creatable}
        open={isCreating}
        onClose={() => setIsCreating(false)}
        onCreated={(key) => router.push(paths.sandbox(key))}
      />
    </main>
  );
}

/** Whether the list of a connection has been read, or could not be read. */
function isSettled(status: FleetStatus = NOTHING_READ): boolean {
  return status.asOfMs !== null || status.problem !== null;
}
