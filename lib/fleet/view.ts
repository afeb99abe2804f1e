import type { ShownConnection } from '../connection';
import type { Sandbox } from '../sandbox/schema';
import { type ConnectionName, connectionOf } from '../sandbox-key';
import type { FleetStatus } from './delta';
import { countFacets, type Facet, facetsOf } from './filter/facets';
import type { Filter } from './filter/filter';
import { filterInForce, finishedText } from './filter/in-force';
import { compileFilter } from './filter/match';
import { type IndexedSandbox, indexSandboxes } from './row-index';
import { parseSort, type Sort, sortRows } from './sort';

/** Latest start first, like the service's list. */
export const DEFAULT_SORT: Sort = { key: 'age', direction: 'asc' };

/** Parses a sort. Falls back to the default. */
export function sortFrom(text: string | null | undefined): Sort {
  return (text ? parseSort(text) : null) ?? DEFAULT_SORT;
}

/** Returns `rows` itself for an empty filter, and no rows for `null`. `nowMs` is on Sandkeeper's clock. */
export function filterRows(
  rows: readonly IndexedSandbox[],
  filter: Filter | null,
  nowMs: number,
): readonly IndexedSandbox[] {
  if (filter === null) return [];
  if (filter.length === 0) return rows;
  const test = compileFilter(filter);
  return rows.filter((row) => test(row, nowMs));
}

/** The data of the server-rendered page: enough rows to fill the screen, and the totals. */
export type FirstScreen = {
  sandboxes: Sandbox[];
  matching: number;
  total: number;
  running: number;
  paused: number;
  /** Of the whole fleet, which the browser does not have yet. */
  facets: Facet[];
  status: FleetStatus;
  statuses: Record<ConnectionName, FleetStatus>;
  connections: ShownConnection[];
  nowMs: number;
};

/** The fleets of the connections, at one moment. */
export type FleetsSnapshot = Pick<FirstScreen, 'sandboxes' | 'status' | 'statuses' | 'connections'>;

/** The rows of these fleets, or of the first screen. */
export function indexFleets({
  sandboxes,
  statuses,
}: Pick<FleetsSnapshot, 'sandboxes' | 'statuses'>): IndexedSandbox[] {
  return indexSandboxes(sandboxes, (name) => (Object.hasOwn(statuses, name) ? statuses[name] : undefined));
}

const FIRST_ROWS = 60;
/** As many as are shown beside the name of a facet, and some to choose from. */
const FIRST_VALUES = 12;

/** The first screen for the filter and sort of the URL, at `nowMs` of our clock. An invalid filter matches nothing. */
export function firstScreen(
  { sandboxes, ...fleets }: FleetsSnapshot,
  { q, sort }: { q: string; sort: string },
  nowMs: number,
): FirstScreen {
  const { filter } = filterInForce(finishedText(q));
  const all = indexFleets({ sandboxes, statuses: fleets.statuses });
  const matching = filterRows(all, filter, nowMs);
  return {
    sandboxes: sortRows(matching, sortFrom(sort))
      .slice(0, FIRST_ROWS)
      .map((row) => row.sandbox),
    matching: matching.length,
    total: sandboxes.length,
    ...countStates(sandboxes),
    ...fleets,
    facets: facetsOf(countFacets(all), {
      limit: FIRST_VALUES,
      matching: countFacets(matching),
      filter: filter ?? [],
    }),
    nowMs,
  };
}

export type StateCounts = { running: number; paused: number; total: number };

/** How many sandboxes each connection has. A connection without any is left out. */
export function countByConnection(
  sandboxes: readonly Pick<Sandbox, 'key' | 'state'>[],
): Record<ConnectionName, StateCounts> {
  const counts = new Map<ConnectionName, StateCounts>();
  for (const { key, state } of sandboxes) {
    const name = connectionOf(key);
    const count = counts.get(name) ?? { running: 0, paused: 0, total: 0 };
    counts.set(name, count);
    count.total += 1;
    if (state === 'running') count.running += 1;
    else if (state === 'paused') count.paused += 1;
  }
  return Object.fromEntries(counts);
}

export function countStates(sandboxes: readonly Pick<Sandbox, 'state'>[]): {
  running: number;
  paused: number;
} {
  let running = 0;
  let paused = 0;
  for (const { state } of sandboxes) {
    if (state === 'running') running += 1;
    else if (state === 'paused') paused += 1;
  }
  return { running, paused };
}
